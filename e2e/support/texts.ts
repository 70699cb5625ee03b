import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { ROOT } from '../../scripts/paths.ts';

export type Language = 'en' | 'de';

function catalogue(language: Language): Record<string, string> {
  const folder = join(ROOT, 'renderer', 'i18n', language);
  return Object.assign({}, ...readdirSync(folder).filter((file) => file.endsWith('.json')).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as object)) as Record<string, string>;
}

const CATALOGUES: Partial<Record<Language, Record<string, string>>> = {};

/** @returns a text as the window shows it, by its key in the message catalogue. @throws when there is no such key. */
export function text(key: string, values: Record<string, string | number> = {}, language: Language = 'en'): string {
  const messages = (CATALOGUES[language] ??= catalogue(language));
  const message = messages[key];
  if (message === undefined) throw new Error(`The ${language} catalogue has no “${key}”.`);
  return String(new IntlMessageFormat(message, language, undefined, { ignoreTag: true }).format(values));
}
