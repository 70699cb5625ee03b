import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpus } from '../../../../../scripts/corpora.ts';

/** The vectors of C2SP/wycheproof as they lie in the corpus. Fields of a test or a group differ by its type. */

export type Fields = Readonly<Record<string, unknown>>;

export interface TestVector extends Fields {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags?: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

export interface TestGroup extends Fields {
  readonly type: string;
  readonly tests: readonly TestVector[];
}

export interface VectorFile {
  readonly name: string;
  readonly numberOfTests: number;
  readonly testGroups: readonly TestGroup[];
}

const SUFFIX = '_test.json';

export const WYCHEPROOF = ((): string | undefined => {
  const folder = corpus('wycheproof');
  return folder === undefined ? undefined : join(folder, 'testvectors_v1');
})();

/** @returns the names of all files, without `_test.json`. */
export function vectorFiles(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)).sort();
}

export function readVectors(folder: string, name: string): VectorFile {
  return { ...(JSON.parse(readFileSync(join(folder, name + SUFFIX), 'utf8')) as Omit<VectorFile, 'name'>), name };
}

export const text = (fields: Fields, name: string): string => {
  const value = fields[name];
  if (typeof value !== 'string') throw new TypeError(`${name} is not there`);
  return value;
};
export const bytes = (fields: Fields, name: string): Buffer => Buffer.from(text(fields, name), 'hex');
export const number = (fields: Fields, name: string): number => fields[name] as number;
