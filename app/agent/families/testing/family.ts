import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance } from '../../../certificates/testing/random-pki.ts';
import { ERRORS } from '../../../contract/index.ts';
import { openTestCore, type TestCore } from '../../../keychain/testing/core.ts';
import { HAS_OPENSSL, HAS_SSH_KEYGEN } from '../../../formats/testing/keys.ts';
import { corporaFolder } from '../../../../scripts/corpora.ts';
import { startAgent, type Agent } from '../../index.ts';
import { send } from '../../testing/http.ts';
import { spoiled } from './spoil.ts';

/**
 * The harness of all families of formats: a table of valid files and one of tampered ones, each judged over REST as a stranger's program would ask, each
 * with the verdict and the failing check that must come out. Then mutants by chance, of which none may be taken for what was signed.
 */

/** A family has this many of each, else its table is not done. Where the corpora and the programs that make some of them are missing, a third of them may be. */
const LEAST = HAS_OPENSSL && HAS_SSH_KEYGEN && corporaFolder() !== undefined ? 30 : 20;
/** `KEYWRIGHT_MUTANTS=2000` for many. */
export const MUTANTS = Number(process.env['KEYWRIGHT_MUTANTS'] ?? 60);
const DUMP = process.env['KEYWRIGHT_FAMILIES_DUMP'];

export type Bytes = Uint8Array | string;
/** What is asked beside the file; bytes are sent in base64url. */
export type Asks = Readonly<Record<string, Bytes | readonly Bytes[] | boolean>>;

export interface Case {
  readonly name: string;
  /** What was signed; or what holds its own signature, or is encrypted. */
  readonly file: Bytes;
  readonly fileName?: string;
  /** In a file of its own. */
  readonly signature?: Bytes;
  readonly asks?: Asks;
  /** The state, a colon, and a part of what must be told: `invalid: digest differs`, `untrusted: [validity]`, `INVALID_INPUT: version`. */
  readonly says: string;
}

/** The tables, filled one case a line. */
export class Tables {
  readonly valid: Case[] = [];
  readonly tampered: Case[] = [];

  /** @param says where a rightful signature is not to be trusted, or is told with a note. */
  good(name: string, parts: Omit<Case, 'name' | 'says'>, says = 'trusted'): void {
    this.valid.push({ name, says, ...parts });
  }

  /** @param says never the state alone. */
  bad(name: string, says: string, parts: Omit<Case, 'name' | 'says'>): void {
    this.tampered.push({ name, says, ...parts });
  }
}

interface Rules {
  /** Some files of the family are mutated: whether one still says what the original says, so that it may be taken for it. Left out: never, where it holds its own signature; where it has one beside, when the file itself is as it was. */
  readonly same?: (mutant: Buffer, original: Buffer, one: Case) => boolean | Promise<boolean>;
  /** Which part of a case is mutated by DER's structure. */
  readonly der?: true;
}

export const bytesOf = (bytes: Bytes): Buffer => (typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
const sent = (value: Asks[string]): unknown => (typeof value === 'boolean' ? value : typeof value === 'string' ? value : value instanceof Uint8Array ? bytesOf(value).toString('base64url') : (value as readonly Bytes[]).map((one) => bytesOf(one).toString('base64url')));

/** What REST answers, and in one line. */
export interface Outcome { readonly status: number; readonly code: string | undefined; readonly text: string; readonly line: string; readonly json: Answered }
interface Check { check: string; outcome: string }
interface Path { certificates: { checks: Check[] }[] }
interface Answered { code?: string; detail?: string; trusted?: boolean; intact?: boolean; files?: Told[] }
interface Told { state: string; verdict: string; content?: string; openedBy?: string; authenticated?: boolean; signatures?: { problem: string | null; notes: string[]; path: Path | null; time: { at: string; according: string; path: Path | null } | null; signer: { name: string | null } | null }[] }

/** @returns ids of the checks of a path that did not hold. */
const failedIn = (path: Path | null | undefined): string[] => (path?.certificates ?? []).flatMap(({ checks }) => checks.filter(({ outcome }) => outcome === 'failed').map(({ check }) => `[${check}]`));

export class Agents {
  core!: TestCore;
  #agent!: Agent;
  #token!: string;

  async open(prepare?: (core: TestCore) => Promise<void>): Promise<void> {
    this.core = await openTestCore({ kind: 'memory' });
    await prepare?.(this.core);
    ({ token: this.#token } = await this.core.call<{ token: string }>('access.grant', { name: 'stranger', scope: ['files:use', 'keys:use', 'keys:read'] }));
    this.#agent = await startAgent(this.core.core, { listen: '127.0.0.1:0' });
  }

  async close(): Promise<void> {
    await this.#agent.close();
    await this.core[Symbol.asyncDispose]();
  }

  async post(path: string, body: Buffer | object, headers: Record<string, string> = {}): Promise<{ status: number; text: string; json: Answered & { upload?: string } }> {
    const isRaw = Buffer.isBuffer(body);
    const answer = await send(this.#agent.addresses[0]!, 'POST', path, { Authorization: `Bearer ${this.#token}`, 'Content-Type': isRaw ? 'application/octet-stream' : 'application/json', ...headers }, isRaw ? body : JSON.stringify(body));
    return { status: answer.status, text: answer.text, json: answer.json() as Answered };
  }

  async upload(file: Bytes, name = 'file.txt'): Promise<string> {
    const { json, text } = await this.post(`/v1/files/uploads?name=${encodeURIComponent(name)}`, bytesOf(file));
    if (json.upload === undefined) throw new Error(`no upload: ${text}`);
    return json.upload;
  }

  async verify({ file, fileName, signature, asks = {} }: Pick<Case, 'file' | 'fileName' | 'signature' | 'asks'>): Promise<Outcome> {
    const upload = await this.upload(file, fileName);
    const more = Object.fromEntries(Object.entries(asks).map(([name, value]) => [name, sent(value)]));
    const { status, text, json } = await this.post('/v1/files/verify', { file: { upload }, ...(signature === undefined ? {} : { signature: { bytes: bytesOf(signature).toString('base64url') } }), ...more });
    return { status, code: json.code, text, json, line: status === 200 ? lineOf(json.files![0]!) : `${json.code}: ${json.detail}` };
  }
}

function lineOf({ state, verdict, signatures = [] }: Told): string {
  const problems = signatures.map(({ problem, path, time, signer, notes }) => [problem ?? `by ${signer?.name ?? 'a key'}`, ...failedIn(path), ...failedIn(time?.path).map((id) => `time ${id}`), ...(time === null ? [] : [`at ${time.at} according to the ${time.according}`]), ...notes].join(' · '));
  return `${state}: ${problems.length === 0 ? verdict : problems.join(' | ')}`;
}

/** A state, and what must be told. */
function fits(line: string, says: string): boolean {
  const [, state = says, rest = ''] = /^(\w+)(?:: (.*))?$/s.exec(says) ?? [];
  return line.startsWith(`${state}: `) && rest.split(' & ').every((part) => line.includes(part));
}

/** Nothing of the program's insides, and no fault of it. */
export const isWrongAnswer = ({ status, code, text }: Outcome): boolean => status >= 500 || (status >= 400 && !(String(code) in ERRORS)) || /node_modules|\.ts:\d|\n {4}at |[\u202A-\u202E\u2066-\u2069]/.test(text);

/** Where `KEYWRIGHT_FAMILIES_DUMP` names a folder: all cases, for other programs to judge. */
export function dump(family: string, kind: string, cases: readonly Case[], lines: ReadonlyMap<string, string>): void {
  if (DUMP === undefined) return;
  cases.forEach((one, index) => {
    const folder = join(DUMP, family, `${kind}-${String(index).padStart(3, '0')}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'file'), bytesOf(one.file));
    if (one.signature !== undefined) writeFileSync(join(folder, 'signature'), bytesOf(one.signature));
    for (const [name, value] of Object.entries(one.asks ?? {})) if (typeof value !== 'boolean') [value].flat().forEach((bytes, at) => writeFileSync(join(folder, at === 0 ? `ask-${name}` : `ask-${name}-${at}`), bytesOf(bytes as Bytes)));
    writeFileSync(join(folder, 'case.json'), JSON.stringify({ name: one.name, says: one.says, line: lines.get(`${kind} ${one.name}`), fileName: one.fileName }));
  });
}

/** That there are enough of them, and a test for each case. @param ask what a case gets for an answer @param lines by kind and name: what each got, in one line */
export function judgeEach(tables: Pick<Tables, 'valid' | 'tampered'>, ask: (one: Case) => Promise<Outcome>, lines: Map<string, string>): void {
  test(`has ${LEAST} valid and ${LEAST} tampered files at least, no two alike, and each says what is wrong`, () => {
    for (const table of [tables.valid, tables.tampered]) {
      expect(table.length).toBeGreaterThanOrEqual(LEAST);
      expect(new Set(table.map(({ name }) => name)).size).toBe(table.length);
    }
    expect(tables.tampered.filter(({ says }) => !/^\w+: .{3}/.test(says)).map(({ name }) => name)).toEqual([]);
  });
  for (const kind of ['valid', 'tampered'] as const) {
    for (const one of tables[kind]) {
      test(`${kind}: ${one.name}`, async () => {
        const outcome = await ask(one);
        lines.set(`${kind} ${one.name}`, outcome.line);
        expect([outcome.line, isWrongAnswer(outcome)], one.says).toEqual([fits(outcome.line, one.says) ? outcome.line : `it should be ${one.says}`, false]);
      });
    }
  }
}

/** Runs a family of signatures. @param tables made before the tests are told, so that each case is a test by its name */
export function judgeFamily(family: string, { valid, tampered }: Tables, { same, der }: Rules = {}): void {
  const agents = new Agents();
  const lines = new Map<string, string>();
  beforeAll(() => agents.open());
  afterAll(async () => {
    dump(family, 'valid', valid, lines);
    dump(family, 'tampered', tampered, lines);
    await agents.close();
  });

  describe(`${family}: its files`, () => {
    judgeEach({ valid, tampered }, (one) => agents.verify(one), lines);

    test('mutants by chance are never taken for what was signed, and never a fault of ours', async () => {
      const random = chance(20_266);
      const faults: string[] = [];
      const trusted = valid.filter(({ says }) => says.startsWith('trusted'));
      for (let round = 0; round < MUTANTS; round += 1) {
        const one = trusted[random(trusted.length)]!;
        // Of a signature in a file of its own, sometimes the file that was signed.
        const isFile = one.signature === undefined || random(6) === 0;
        const original = bytesOf(isFile ? one.file : one.signature!);
        const mutant = spoiled(original, random, der === true && (one.signature === undefined || !isFile));
        const outcome = await agents.verify({ ...one, ...(isFile ? { file: mutant } : { signature: mutant }) });
        // A signature in another spelling is still by the same key of the same file: nothing false is said.
        const isAsItWas = mutant.equals(original) || !isFile || (outcome.json.intact === true && (await same?.(mutant, original, one)) === true);
        if (isWrongAnswer(outcome) || (outcome.json.intact === true && !isAsItWas)) faults.push(`${round} ${one.name}: ${outcome.status} ${outcome.line.slice(0, 300)} ${mutant.length < 3000 ? mutant.toString('base64') : `of ${mutant.length} bytes`}`);
      }
      expect(faults).toEqual([]);
    }, 1_800_000);
  });
}
