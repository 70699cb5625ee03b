import { readFileSync } from 'node:fs';
import { mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeywrightError } from '../contract/index.ts';
import { nearest } from './distance.ts';
import { ConfigSyntaxError, parseDocument, withValue } from './jsonc.ts';
import { CONFIG_KEY_NAMES, CONFIG_KEYS, checkValue, environmentName, fromText, isConfigKey, type ConfigKeyName, type ConfigValue } from './keys.ts';

export { configFileOf, dataDirOf, defaultDataDir } from './places.ts';
export { CONFIG_KEY_NAMES, environmentName, type ConfigValue } from './keys.ts';
export { nearest } from './distance.ts';

type ConfigOrigin = 'flag' | 'environment' | 'file' | 'default';

export interface ConfigEntry {
  readonly key: string;
  readonly value: ConfigValue;
  readonly origin: ConfigOrigin;
  /** The flag, variable or file that it comes from; null for a default. */
  readonly source: string | null;
  readonly summary: string;
  readonly restart: boolean;
}

interface ConfigProblem {
  readonly where: string;
  readonly detail: string;
  readonly suggestion: string | null;
}

interface ConfigSources {
  /** The configuration file; need not exist unless `named`. */
  readonly file: string;
  readonly named?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Values from the command line, by key. */
  readonly flags?: Readonly<Record<string, string | number | boolean>>;
  /** What is wrong is left to `validate()` and the defaults hold: for whoever must start to be able to tell. */
  readonly lenient?: boolean;
}

interface Found {
  readonly value: ConfigValue;
  readonly origin: ConfigOrigin;
  readonly source: string;
}

interface Reading {
  readonly values: ReadonlyMap<ConfigKeyName, Found>;
  readonly problems: readonly ConfigProblem[];
}

/**
 * Reads the configuration: flags over environment over file over defaults.
 * @throws INVALID_INPUT for an unknown key (with the one that was probably meant), a value that does not fit, or a file that is
 *         no JSON; NOT_FOUND for a named file that is not there. Not when `lenient`.
 */
export function loadConfig(sources: ConfigSources): Configuration {
  return new Configuration(sources);
}

export class Configuration {
  readonly #sources: ConfigSources;
  #file: Reading;
  readonly #above: Reading;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(sources: ConfigSources) {
    this.#sources = sources;
    this.#file = readFile(sources);
    this.#above = readAbove(sources);
    if (sources.lenient !== true) refuse([...this.#file.problems, ...this.#above.problems]);
  }

  /** @returns the value in force. @throws NOT_FOUND for a key that does not exist. */
  get(key: string): ConfigValue {
    return this.#entry(known(key)).value;
  }

  /** @returns each key with its value and where that comes from. */
  explain(): ConfigEntry[] {
    return CONFIG_KEY_NAMES.map((key) => this.#entry(key));
  }

  /**
   * Writes one value into the file, whole or not at all, and leaves everything else there as it is, comments included.
   * @param value null takes the default again.
   * @returns what is in force now: a flag or variable still wins.
   * @throws NOT_FOUND with a suggestion, INVALID_INPUT, STORAGE_READ_ONLY, STORAGE_FULL
   */
  set(key: string, value: ConfigValue): Promise<ConfigEntry> {
    const work = this.#writing.then(async () => {
      const name = known(key);
      const checked = checkValue(name, value ?? CONFIG_KEYS[name].default);
      if ('problem' in checked) throw new KeywrightError('INVALID_INPUT', { detail: `${name} ${checked.problem}.`, where: '/value', remedy: 'See `keywright config explain`.' });
      const { file } = this.#sources;
      let text: string;
      try {
        text = withValue(textOf(file) ?? '', name, checked.value);
      } catch (thrown) {
        if (!(thrown instanceof ConfigSyntaxError)) throw thrown;
        throw new KeywrightError('INVALID_INPUT', { detail: `${file} cannot be read, so it was not changed: ${thrown.message}.`, where: `${file}:${thrown.line}`, remedy: 'Mend the file, then try again.' });
      }
      await writeAside(file, text);
      this.#file = readFile(this.#sources);
      return this.#entry(name);
    });
    this.#writing = work.catch(() => undefined);
    return work;
  }

  /** Looks at the file as it is now, and at what was given besides. */
  async validate(): Promise<{ ok: boolean; problems: ConfigProblem[] }> {
    const problems = [...readFile(this.#sources).problems, ...this.#above.problems];
    return { ok: problems.length === 0, problems };
  }

  #entry(key: ConfigKeyName): ConfigEntry {
    const { default: value, summary, restart } = CONFIG_KEYS[key];
    const found = this.#above.values.get(key) ?? this.#file.values.get(key) ?? { value, origin: 'default' as const, source: null };
    return { key, ...found, summary, restart };
  }
}

function known(key: string): ConfigKeyName {
  if (isConfigKey(key)) return key;
  const suggestion = nearest(key, CONFIG_KEY_NAMES);
  throw new KeywrightError('NOT_FOUND', {
    detail: `There is no setting “${key.slice(0, 100)}”.`,
    remedy: suggestion === undefined ? 'See `keywright config explain` for all of them.' : `Did you mean ${suggestion}?`,
    alternatives: suggestion === undefined ? CONFIG_KEY_NAMES : [suggestion],
  });
}

function refuse(problems: readonly ConfigProblem[]): void {
  const [first, ...more] = problems;
  if (first === undefined) return;
  throw new KeywrightError('INVALID_INPUT', {
    detail: `The configuration is not valid: ${[first, ...more].map(({ detail }) => detail).join(' ')}`,
    where: first.where,
    remedy: first.suggestion === null ? 'Mend it there; `keywright config explain` tells what each setting may be.' : `Did you mean ${first.suggestion}?`,
  });
}

function readFile({ file, named }: ConfigSources): Reading {
  let text: string | undefined;
  try {
    text = textOf(file);
  } catch (thrown) {
    return { values: new Map(), problems: [{ where: file, detail: `${file} cannot be read (${(thrown as NodeJS.ErrnoException).code ?? 'unknown'}).`, suggestion: null }] };
  }
  if (text === undefined) return { values: new Map(), problems: named === true ? [{ where: file, detail: `There is no configuration file ${file}.`, suggestion: null }] : [] };
  if (text.trim() === '') return { values: new Map(), problems: [] };
  try {
    return collect(parseDocument(text).members.map(({ key, value, at }) => ({ key, value, origin: 'file' as const, source: `${file}:${text.slice(0, at).split('\n').length}` })));
  } catch (thrown) {
    if (!(thrown instanceof ConfigSyntaxError)) throw thrown;
    return { values: new Map(), problems: [{ where: `${file}:${thrown.line}`, detail: `${file} is no JSON: ${thrown.message}.`, suggestion: null }] };
  }
}

function readAbove({ env = {}, flags = {} }: ConfigSources): Reading {
  const fromEnvironment = CONFIG_KEY_NAMES.flatMap((key) => {
    const source = environmentName(key);
    const text = env[source];
    return text === undefined || text === '' ? [] : [{ key, value: fromText(key, text) as unknown, origin: 'environment' as const, source }];
  });
  const fromFlags = Object.entries(flags).map(([key, value]) => ({ key, value: value as unknown, origin: 'flag' as const, source: 'command line' }));
  return collect([...fromEnvironment, ...fromFlags]);
}

function collect(given: readonly { key: string; value: unknown; origin: ConfigOrigin; source: string }[]): Reading {
  const values = new Map<ConfigKeyName, Found>();
  const problems: ConfigProblem[] = [];
  for (const { key, value, origin, source } of given) {
    if (!isConfigKey(key)) {
      const suggestion = nearest(key, CONFIG_KEY_NAMES) ?? null;
      problems.push({ where: source, detail: `There is no setting “${key.slice(0, 100)}”.`, suggestion });
      continue;
    }
    const checked = checkValue(key, value);
    if ('problem' in checked) problems.push({ where: source, detail: `${key} ${checked.problem}.`, suggestion: null });
    else values.set(key, { value: checked.value, origin, source });
  }
  return { values, problems };
}

/** @returns the file's text; undefined when there is none. */
function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw thrown;
  }
}

/** Write aside, fsync, rename: whoever reads sees the old file or the new one. A link stays one: what it leads to is written. */
async function writeAside(named: string, text: string): Promise<void> {
  const path = await realpath(named).catch(() => named);
  const aside = `${path}.${process.pid}.new`;
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(aside, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    const { code } = cause as NodeJS.ErrnoException;
    throw code === 'ENOSPC' || code === 'EDQUOT'
      ? new KeywrightError('STORAGE_FULL', { detail: `There is no space left to write ${path}. It is unchanged.`, remedy: 'Free some space.', cause })
      : new KeywrightError('STORAGE_READ_ONLY', { detail: `${path} cannot be written. It is unchanged.`, remedy: 'Mend its permissions, or name another file with --config.', cause });
  }
}
