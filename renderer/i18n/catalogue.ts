import { ENGLISH_FACTS, type FactWords } from './facts.ts';
import type { Reasons } from './reasons.ts';
import type { Sentences } from './sentences.ts';
import activity from './en/activity.json' with { type: 'json' };
import backends from './en/backends.json' with { type: 'json' };
import certificates from './en/certificates.json' with { type: 'json' };
import common from './en/common.json' with { type: 'json' };
import errors from './en/errors.json' with { type: 'json' };
import files from './en/files.json' with { type: 'json' };
import health from './en/health.json' with { type: 'json' };
import keys from './en/keys.json' with { type: 'json' };
import mending from './en/mending.json' with { type: 'json' };
import operations from './en/operations.json' with { type: 'json' };
import prompt from './en/prompt.json' with { type: 'json' };
import settings from './en/settings.json' with { type: 'json' };
import shell from './en/shell.json' with { type: 'json' };
import store from './en/store.json' with { type: 'json' };
import tokens from './en/tokens.json' with { type: 'json' };

/** English, one file a feature. Every other language has the same files with the same keys. */
export const ENGLISH = { ...common, ...errors, ...shell, ...store, ...prompt, ...keys, ...certificates, ...files, ...backends, ...activity, ...settings, ...tokens, ...mending, ...operations, ...health };

export type MessageKey = keyof typeof ENGLISH;
export type Catalogue = Readonly<Record<MessageKey, string>>;

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

/** Languages other than English are loaded when they are chosen. */
export const CATALOGUES: Readonly<Record<Language, () => Promise<{ readonly messages: Catalogue; readonly reasons: Reasons; readonly sentences: Sentences; readonly facts: FactWords }>>> = {
  en: async () => ({ messages: ENGLISH, reasons: {}, sentences: {}, facts: ENGLISH_FACTS }),
  de: async () => {
    const { GERMAN, GERMAN_FACTS, GERMAN_REASONS, GERMAN_SENTENCES } = await import('./german.ts');
    return { messages: GERMAN, reasons: GERMAN_REASONS, sentences: GERMAN_SENTENCES, facts: GERMAN_FACTS };
  },
};

/** @returns the language that is asked for, or the first of the system's that we have. */
export function languageFor(chosen: string | undefined, system: readonly string[]): Language {
  const wanted = [...(chosen === undefined || chosen === 'system' ? [] : [chosen]), ...system];
  return wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag): tag is Language => tag in LANGUAGES) ?? 'en';
}
