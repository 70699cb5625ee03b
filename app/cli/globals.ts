import type { PromptPurpose } from '../contract/prompts.ts';
import type { z } from 'zod';

export type Purpose = z.output<typeof PromptPurpose>;

/** Options that hold a file with a secret, and the prompts that each answers. */
export const SECRET_FILES: Readonly<Record<string, readonly Purpose[]>> = {
  'passphrase-file': ['store-passphrase'],
  'new-passphrase-file': ['new-store-passphrase'],
  'recovery-code-file': ['recovery-code'],
  'key-passphrase-file': ['key-passphrase', 'new-key-passphrase'],
  'import-passphrase-file': ['import-passphrase'],
  'export-passphrase-file': ['export-passphrase'],
  'recipient-passphrase-file': ['recipient-passphrase', 'new-recipient-passphrase'],
  'password-file': ['password'],
  'pin-file': ['pin'],
  'new-pin-file': ['new-pin'],
  'puk-file': ['puk'],
  'new-puk-file': ['new-puk'],
  'so-pin-file': ['so-pin'],
  'new-so-pin-file': ['new-so-pin'],
  'management-key-file': ['management-key'],
  'new-management-key-file': ['new-management-key'],
  'dkek-password-file': ['dkek-password', 'new-dkek-password'],
};

interface GlobalOption {
  readonly name: string;
  /** Takes a value, shown as this; absent: a flag. */
  readonly value?: string;
  /** `--no-NAME` too, or alone. */
  readonly no?: 'too' | 'alone';
  readonly summary: string;
}

const secretSummaries: Readonly<Record<string, string>> = {
  'passphrase-file': 'the store’s passphrase (also KEYWRIGHT_PASSPHRASE_FILE)',
  'new-passphrase-file': 'a new passphrase of the store',
  'recovery-code-file': 'the recovery code',
  'key-passphrase-file': 'the passphrase of a key’s own',
  'import-passphrase-file': 'the passphrase of what is imported',
  'export-passphrase-file': 'the passphrase for what is exported',
  'recipient-passphrase-file': 'the passphrase that a file is encrypted with',
  'password-file': 'the password to derive from',
  'pin-file': 'a token’s PIN',
  'new-pin-file': 'a token’s new PIN',
  'puk-file': 'a token’s PUK',
  'new-puk-file': 'a token’s new PUK',
  'so-pin-file': 'a token’s SO PIN',
  'new-so-pin-file': 'a token’s new SO PIN',
  'management-key-file': 'a token’s management key, in hex',
  'new-management-key-file': 'a token’s new management key, in hex',
  'dkek-password-file': 'the password of a DKEK share',
};

/** What every command takes. */
export const GLOBAL_OPTIONS: readonly GlobalOption[] = [
  { name: 'json', summary: 'one JSON document: the output’s record, or an error’s (RFC 9457) on standard error' },
  { name: 'data-dir', value: 'dir', summary: 'where the store and the configuration live (also KEYWRIGHT_DATA_DIR)' },
  { name: 'config', value: 'file', summary: 'configuration file (also KEYWRIGHT_CONFIG)' },
  { name: 'agent', value: 'url', no: 'too', summary: 'use the agent there, with the token in KEYWRIGHT_TOKEN_FILE; --no-agent: look for no other process' },
  { name: 'yes', summary: 'confirm what needs no typing' },
  { name: 'quiet', summary: 'no progress and no notes' },
  { name: 'verbose', summary: 'the log on standard error' },
  { name: 'color', no: 'alone', summary: 'no colours (also NO_COLOR)' },
  ...Object.keys(SECRET_FILES).map((name) => ({ name, value: 'file', summary: secretSummaries[name]! })),
];

/** What stands behind a global option that takes a value is that value, and no command. */
export const takesValue = (option = ''): boolean => GLOBAL_OPTIONS.some(({ name, value }) => value !== undefined && option === `--${name}`);

/** @returns the first option that is none of every command's; what stands behind one that takes a value is that value. */
export function unknownOption(words: readonly string[]): string | undefined {
  return words.find((word, index) => word.startsWith('-') && word !== '-h' && word !== '--help' && !takesValue(words[index - 1]) && !GLOBAL_OPTIONS.some(({ name, value, no }) => (no !== 'alone' && word === `--${name}`) || (no !== undefined && word === `--no-${name}`) || (value !== undefined && word.startsWith(`--${name}=`))));
}

/** Whether there are global options and nothing else, nor a call for help. */
export const isOptionsAlone = (words: readonly string[]): boolean => words.every((word, index) => (word.startsWith('-') && word !== '--help' && word !== '-h') || takesValue(words[index - 1]));

/** Whether nothing in the environment speaks against colours (no-color.org; terminfo’s `dumb` terminal has none). */
export const mayColor = (environment: Readonly<Record<string, string | undefined>>): boolean => (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';

/** Values of the global options, by name. */
export interface Globals {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly yes: boolean;
  readonly color: boolean;
  readonly dataDir: string | undefined;
  readonly config: string | undefined;
  /** An address; false: look for none. */
  readonly agent: string | false | undefined;
  /** By option: `passphrase-file`. */
  readonly secretFiles: Readonly<Record<string, string>>;
}

export function globalsOf(given: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string | undefined>>): Globals {
  const text = (name: string) => (typeof given[name] === 'string' ? (given[name] as string) : undefined);
  const fromEnvironment = environment['KEYWRIGHT_PASSPHRASE_FILE'];
  return {
    json: given['json'] === true, quiet: given['quiet'] === true, verbose: given['verbose'] === true, yes: given['yes'] === true,
    color: given['color'] !== false && mayColor(environment),
    dataDir: text('data-dir'), config: text('config'),
    agent: given['agent'] === false ? false : text('agent'),
    secretFiles: {
      ...(fromEnvironment === undefined || fromEnvironment === '' ? {} : { 'passphrase-file': fromEnvironment }),
      ...Object.fromEntries(Object.keys(SECRET_FILES).flatMap((name) => (text(name) === undefined ? [] : [[name, text(name)!]]))),
    },
  };
}
