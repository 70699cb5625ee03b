import { z } from 'zod';

export type ConfigValue = string | number | boolean | null;

/** One setting: what it may be, what it is unless told otherwise, what it is for. */
interface ConfigKey {
  /** Made when a value is checked: most commands meet none. */
  readonly schema: () => z.ZodType<ConfigValue>;
  readonly default: ConfigValue;
  readonly summary: string;
  /** A change holds from the next start on. */
  readonly restart: boolean;
}

const oneOf = <const T extends readonly [string, ...string[]]>(...names: T) => () => z.enum(names);
const wholeNumber = (from: number, to: number) => () => z.int(`must be a whole number from ${from} to ${to}`).min(from, `must be at least ${from}`).max(to, `must be at most ${to}`);

/** Every setting there is. Files, the environment, flags, `config explain` and the window follow this table. */
export const CONFIG_KEYS = {
  'store.idleLockMinutes': { schema: wholeNumber(0, 1440), default: 15, summary: 'Minutes without use after which the store locks; 0: never', restart: false },
  'store.kind': { schema: () => z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be the name of a kind of storage, such as sqlite or file'), default: 'sqlite', summary: 'Kind of storage of a store that is created or restored', restart: false },
  'storage.modules': { schema: () => z.string().max(4096), default: '', summary: 'Paths of modules that register further kinds of storage, separated by commas', restart: true },
  'audit.durability': { schema: oneOf('grouped', 'strict'), default: 'grouped', summary: 'Uses of keys are on the disk before the answer (strict), or within 50 ms of it (grouped)', restart: true },
  'window.theme': { schema: oneOf('system', 'light', 'dark', 'high-contrast'), default: 'system', summary: 'Theme of the window', restart: false },
  'window.language': { schema: oneOf('system', 'en', 'de'), default: 'system', summary: 'Language of the window', restart: false },
  'clipboard.clearAfterSeconds': { schema: wholeNumber(0, 3600), default: 30, summary: 'Seconds after which what was copied is cleared from the clipboard; 0: never', restart: false },
  'serve.listen': { schema: () => z.string().min(1).max(300), default: '127.0.0.1:8420', summary: 'Address on which `keywright serve` listens', restart: true },
  'tokens.keepPinMinutes': { schema: wholeNumber(0, 1440), default: 15, summary: 'Minutes for which a PIN that a token accepted is kept in memory; 0: it is asked for each time', restart: false },
  'prompts.waitMinutes': { schema: wholeNumber(0, 1440), default: 5, summary: 'Minutes after which a prompt that nobody answers ends, and with it the call that waits; 0: never', restart: false },
  'trash.days': { schema: wholeNumber(1, 3650), default: 30, summary: 'Days that a deleted key stays in the trash', restart: false },
  'certificates.fetch': { schema: () => z.boolean(), default: false, summary: 'Issuers, revocation lists and OCSP responses may be got from the addresses that certificates name', restart: false },
  'certificates.fetchLocal': { schema: () => z.boolean(), default: false, summary: 'Such addresses may be of this machine and of private networks', restart: false },
  'certificates.notifyDays': { schema: () => z.string().regex(/^(\d{1,4}(,\d{1,4}){0,9})?$/, 'must be days, separated by commas'), default: '30,14,7,1', summary: 'Days before a certificate ends at which that is told, once each', restart: false },
  'ocsp.respond': { schema: () => z.boolean(), default: false, summary: '`keywright serve` answers OCSP requests, of anybody who can reach it, for the authorities whose keys are held here', restart: true },
  'ocsp.listen': { schema: () => z.string().max(300), default: '', summary: 'HOST:PORT of a listener for OCSP alone, plain HTTP as certificates name it; without one, /ocsp beside REST', restart: true },
  'ocsp.hours': { schema: wholeNumber(1, 240), default: 24, summary: 'Hours for which an OCSP answer holds', restart: true },
  'formats.maxRounds': { schema: wholeNumber(10_000, 1_000_000_000), default: 10_000_000, summary: 'Rounds of PBKDF2 that opening a file may take; old derivations get a tenth of it', restart: false },
  'formats.maxMemoryMiB': { schema: wholeNumber(16, 16_384), default: 256, summary: 'MiB of memory that opening a file may take with scrypt or Argon2; minisign gets four times as much', restart: false },
  'log.level': { schema: oneOf('error', 'warning', 'info', 'off'), default: 'info', summary: 'What is written to the log: errors, also warnings, also information, or nothing', restart: true },
} as const satisfies Record<string, ConfigKey>;

export type ConfigKeyName = keyof typeof CONFIG_KEYS;

export const CONFIG_KEY_NAMES = Object.keys(CONFIG_KEYS) as ConfigKeyName[];

export function isConfigKey(name: string): name is ConfigKeyName {
  return Object.hasOwn(CONFIG_KEYS, name);
}

/** @returns `KEYWRIGHT_STORE_IDLE_LOCK_MINUTES` for `store.idleLockMinutes`. */
export function environmentName(key: string): string {
  return `KEYWRIGHT_${key.replaceAll('.', '_').replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}`;
}

/** @returns the value that a text stands for: texts come from the environment, from flags and from the command line. */
export function fromText(key: ConfigKeyName, text: string): ConfigValue {
  const number = Number(text);
  return typeof CONFIG_KEYS[key].default === 'number' && text.trim() !== '' && Number.isFinite(number) ? number : text;
}

/** @returns the value, or what is wrong with it in a few words. Lists of paths in a file become one text. */
export function checkValue(key: ConfigKeyName, value: unknown): { value: ConfigValue } | { problem: string } {
  const given = Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.join(',') : typeof value === 'string' ? fromText(key, value) : value;
  const parsed = CONFIG_KEYS[key].schema().safeParse(given);
  if (parsed.success) return { value: parsed.data };
  const [issue] = parsed.error.issues;
  return { problem: issue?.code === 'invalid_value' ? `must be one of ${(issue.values as readonly unknown[]).join(', ')}` : (issue?.message ?? 'is not valid') };
}
