import { createContext, useCallback, useContext, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { useAction, useOperation, type OutputFor, type ProblemError } from '../bridge/index.ts';
import { languageFor, LANGUAGES, type Language } from '../i18n/index.ts';

export const THEMES = ['system', 'light', 'dark', 'contrast'] as const;
export type Theme = (typeof THEMES)[number];
type ShownTheme = Exclude<Theme, 'system'>;

interface Preferences {
  theme: Theme;
  language: Language | 'system';
  /** Seconds after which a copied secret is taken from the clipboard; 0: never. */
  clipboardSeconds: number;
  /** The timestamp authority that signatures ask; empty: none. */
  timestampAuthority: string;
  /** Widths of panes in pixels. */
  panes: Readonly<Record<string, number>>;
}

const DEFAULTS: Preferences = { theme: 'system', language: 'system', clipboardSeconds: 30, timestampAuthority: '', panes: {} };
const KEPT_AT = 'keywright.preferences';

/** @returns preferences as they were kept, with defaults for what is absent or not understood. */
export function readPreferences(kept: string | null): Preferences {
  let record: Record<string, unknown>;
  try {
    record = (JSON.parse(kept ?? '{}') as Record<string, unknown> | null) ?? {};
  } catch {
    record = {};
  }
  const { theme, language, clipboardSeconds, timestampAuthority, panes } = record;
  return {
    theme: THEMES.find((name) => name === theme) ?? DEFAULTS.theme,
    language: language === 'system' || (typeof language === 'string' && language in LANGUAGES) ? (language as Language) : DEFAULTS.language,
    clipboardSeconds: typeof clipboardSeconds === 'number' && clipboardSeconds >= 0 && clipboardSeconds <= 3600 ? clipboardSeconds : DEFAULTS.clipboardSeconds,
    timestampAuthority: typeof timestampAuthority === 'string' ? timestampAuthority.slice(0, 2000) : DEFAULTS.timestampAuthority,
    panes: typeof panes === 'object' && panes !== null ? Object.fromEntries(Object.entries(panes).filter((pane): pane is [string, number] => typeof pane[1] === 'number')) : {},
  };
}

const DARK = '(prefers-color-scheme: dark)';
const MORE_CONTRAST = '(prefers-contrast: more)';

/** @returns the theme to show: the chosen one, or the system's. */
function resolveTheme(theme: Theme): ShownTheme {
  if (theme !== 'system') return theme;
  return matchMedia(MORE_CONTRAST).matches ? 'contrast' : matchMedia(DARK).matches ? 'dark' : 'light';
}

export function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = resolveTheme(theme);
}

/** Preferences that belong to the person, not to this window: the configuration has them, so that the prompt surface and other windows agree. */
const CONFIGURED = { theme: 'window.theme', language: 'window.language', clipboardSeconds: 'clipboard.clearAfterSeconds' } as const;
type Configured = keyof typeof CONFIGURED;
type ConfigEntries = OutputFor<'config.show'>['entries'];

/** @returns what the configuration says of our preferences. */
export function fromConfig(entries: ConfigEntries): Partial<Preferences> {
  const record: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(CONFIGURED)) {
    const value = entries.find((entry) => entry.key === key)?.value;
    if (value !== undefined) record[name] = value === 'high-contrast' ? 'contrast' : value;
  }
  const understood = readPreferences(JSON.stringify(record));
  return Object.fromEntries(Object.keys(record).map((name) => [name, understood[name as Configured]]));
}

interface PreferencesValue {
  readonly preferences: Preferences;
  readonly language: Language;
  change(changes: Partial<Preferences>): void;
  /** Why the last change was not kept in the configuration. */
  readonly error: ProblemError | undefined;
}

const PreferencesContext = createContext<PreferencesValue | undefined>(undefined);

export function usePreferences(): PreferencesValue {
  const value = useContext(PreferencesContext);
  if (value === undefined) throw new Error('no preferences around this component');
  return value;
}

/** Keeps preferences: in the configuration, and here for the first paint and for what is this window's alone. */
export function PreferencesProvider({ children }: { children: ReactNode }) {
  const [preferences, setPreferences] = useState(() => readPreferences(localStorage.getItem(KEPT_AT)));
  const config = useOperation('config.show', {});
  const { run, error } = useAction('config.set');
  const set = useRef(run);
  useEffect(() => {
    set.current = run;
  });
  const keep = useCallback((changes: Partial<Preferences>) => {
    setPreferences((before) => {
      const after = { ...before, ...changes, panes: { ...before.panes, ...changes.panes } };
      localStorage.setItem(KEPT_AT, JSON.stringify(after));
      return after;
    });
  }, []);
  const change = useCallback((changes: Partial<Preferences>) => {
    keep(changes);
    for (const name of Object.keys(CONFIGURED) as Configured[]) {
      const value = changes[name];
      if (value !== undefined) void set.current({ key: CONFIGURED[name], value: value === 'contrast' ? 'high-contrast' : value });
    }
  }, [keep]);
  useEffect(() => {
    if (config.data !== undefined) keep(fromConfig(config.data.entries));
  }, [config.data, keep]);

  const { theme } = preferences;
  useEffect(() => {
    showTheme(theme);
    if (theme !== 'system') return;
    const queries = [matchMedia(DARK), matchMedia(MORE_CONTRAST)];
    const update = (): void => showTheme(theme);
    for (const query of queries) query.addEventListener('change', update);
    return () => {
      for (const query of queries) query.removeEventListener('change', update);
    };
  }, [theme]);

  const language = languageFor(preferences.language, navigator.languages);
  const value = useMemo(() => ({ preferences, language, change, error }), [preferences, language, change, error]);
  return <PreferencesContext value={value}>{children}</PreferencesContext>;
}
