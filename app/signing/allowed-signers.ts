import { malformedAt } from '../formats/malformed.ts';
import { SshReader } from '../formats/ssh-wire.ts';

/** The file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS): who may sign, with which key or by which authority, for what, and when. */

export interface AllowedSigner {
  /** A list of patterns: `*@example.com,!eve@example.com`. */
  readonly principals: string;
  /** The key is an authority, whose certificates count. */
  readonly isAuthority: boolean;
  /** Patterns of namespaces; null: all. */
  readonly namespaces: string | null;
  readonly validAfter: Date | null;
  readonly validBefore: Date | null;
  /** The key as SSH writes it. */
  readonly blob: Uint8Array;
  readonly line: number;
}

/** @throws INVALID_INPUT with the line */
export function readAllowedSigners(content: Uint8Array): AllowedSigner[] {
  const lines = Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8').split(/\r?\n/);
  return lines.flatMap((line, index) => (/^\s*(#|$)/.test(line) ? [] : [readLine(line.trim(), index + 1)]));
}

function readLine(text: string, line: number): AllowedSigner {
  const bad = (detail: string): Error => malformedAt(`line ${line}`, detail);
  const words = wordsOf(text);
  const [principals = ''] = words;
  if (principals === '') throw bad('The line names nobody.');
  const keyAt = words.findIndex((word, index) => index > 0 && index < 3 && /^(ssh|ecdsa|sk)-/.test(word) && /^[A-Za-z0-9+/]+={0,2}$/.test(words[index + 1] ?? ''));
  if (keyAt < 0) throw bad('The line has no key of OpenSSH.');
  const blob = Buffer.from(words[keyAt + 1] as string, 'base64');
  if (blob.length < 4 || new SshReader(blob).text('the key type') !== words[keyAt]) throw bad('The key type in front and the one inside differ.');
  const options = keyAt === 1 ? [] : optionsOf(words[1] as string);
  let [isAuthority, namespaces, validAfter, validBefore] = [false, null as string | null, null as Date | null, null as Date | null];
  for (const option of options) {
    const [, name = '', value] = /^([a-z-]+)(?:="?([^"]*)"?)?$/i.exec(option) ?? [];
    switch (name.toLowerCase()) {
      case 'cert-authority': isAuthority = true; break;
      case 'namespaces': namespaces = value ?? ''; break;
      case 'valid-after': validAfter = timeOf(value ?? '', bad); break;
      case 'valid-before': validBefore = timeOf(value ?? '', bad); break;
      default: throw bad(`The option “${option.slice(0, 40)}” is not one of allowed signers.`);
    }
  }
  return { principals, isAuthority, namespaces, validAfter, validBefore, blob, line };
}

/** Words at spaces, where quotes hold together. */
function wordsOf(text: string): string[] {
  return (text.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word, index) => (index === 0 && /^"[^"]*"$/.test(word) ? word.slice(1, -1) : word));
}

function optionsOf(text: string): string[] {
  return text.match(/(?:"[^"]*"|[^,"])+/g) ?? [];
}

/** YYYYMMDD, with HHMM and SS if need be; local time, or UTC with a Z. */
function timeOf(text: string, bad: (detail: string) => Error): Date {
  const [, year, month, day, hour = '0', minute = '0', second = '0', zone] = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z)?$/.exec(text) ?? [];
  if (year === undefined) throw bad(`“${text.slice(0, 40)}” is not a time: YYYYMMDD[HHMM[SS]][Z].`);
  const parts = [Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)] as const;
  const date = zone === 'Z' ? new Date(Date.UTC(...parts)) : new Date(...parts);
  if ((zone === 'Z' ? date.getUTCDate() : date.getDate()) !== parts[2]) throw bad(`“${text}” is a day that does not exist.`);
  return date;
}

/** Whether a list of patterns has `name`: `*` and `?` stand for anything, and a pattern with `!` that fits says no. */
export function matchesPatterns(name: string, patterns: string): boolean {
  let found = false;
  for (const pattern of patterns.split(',').map((one) => one.trim())) {
    const negated = pattern.startsWith('!');
    if (!matchesPattern(name, negated ? pattern.slice(1) : pattern)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

/** Without regular expressions, whose time a hostile pattern could blow up. */
function matchesPattern(name: string, pattern: string): boolean {
  let [at, star, back] = [0, -1, 0];
  let index = 0;
  while (at < name.length) {
    if (index < pattern.length && (pattern[index] === '?' || (pattern[index] === name[at] && pattern[index] !== '*'))) [at, index] = [at + 1, index + 1];
    else if (pattern[index] === '*') [star, back, index] = [index, at, index + 1];
    else if (star >= 0) [index, back, at] = [star + 1, back + 1, back + 1];
    else return false;
  }
  while (pattern[index] === '*') index += 1;
  return index === pattern.length;
}
