import { KeywrightError } from '../../contract/index.ts';
import { bksHeader, parseBks } from '../../formats/bks.ts';
import { ROUNDS_SETTING } from '../../formats/limits.ts';
import { parseJks } from '../../formats/jks.ts';
import { describeCertificate } from './certificates.ts';
import type { Fact, Tree } from './tree.ts';
import type { Finding } from './finding.ts';

/** What stands in key stores of Java without their passphrase: aliases, times and certificates. Of UBER that is nothing. */

interface StoreEntry {
  readonly kind: 'key' | 'certificate' | 'secret';
  readonly alias: string;
  readonly created: Date | null;
  readonly offset?: number;
  /** A key's own certificate first. */
  readonly chain: readonly Uint8Array[];
}

/** @returns whether the entries could be told. */
export function describeJavaStore(kind: 'jks' | 'bks', content: Uint8Array, root: number, tree: Tree): boolean {
  const { type, entries } = kind === 'jks' ? jksEntries(content) : bksEntries(content);
  for (const { kind: what, alias, created, offset, chain } of entries ?? []) {
    const isSecret = what === 'secret';
    const at = what === 'certificate' ? root : tree.add(root, {
      kind: isSecret ? 'secret-key' : 'private-key', title: alias, where: `offset ${offset}`, locked: true, facts: [['Key store', type], ['Created', created?.toISOString()]], actions: ['keys.import'],
      detail: isSecret ? `A secret key under the alias “${alias}”.` : `A private key under the alias “${alias}”, with ${chain.length === 1 ? 'a certificate' : `${chain.length} certificates`}.`,
    });
    for (const der of chain) {
      try {
        describeCertificate(der, at, null, tree);
      } catch (thrown) {
        if (!(thrown instanceof KeywrightError)) throw thrown;
        tree.problems.push({ code: thrown.code, detail: thrown.message, where: `alias ${alias}` });
      }
    }
  }
  return entries !== null;
}

function jksEntries(content: Uint8Array): { type: string; entries: StoreEntry[] } {
  const { type, entries } = parseJks(content);
  return { type, entries: entries.map((entry) => ({ ...entry, chain: entry.kind === 'key' ? entry.chain : entry.kind === 'certificate' ? [entry.der] : [] })) };
}

/** A private key has its certificate with it; without one it is a secret key, as far as can be seen from outside. */
function bksEntries(content: Uint8Array): { type: string; entries: StoreEntry[] | null } {
  const { type, entries } = parseBks(content);
  return { type, entries: entries?.map((entry) => (entry.kind === 'certificate' ? { ...entry, chain: [entry.der] } : { ...entry, kind: entry.chain.length === 0 ? 'secret' as const : 'key' as const })) ?? null };
}

/** What {@link ROUNDS_SETTING} can be raised to. */
const MOST_ROUNDS = 1_000_000_000;

export function protectionOfBks(content: Uint8Array): { facts: Fact[]; findings: Finding[] } {
  const { type, version, rounds, tooMany } = bksHeader(content);
  const anew = { remedy: 'Write it anew: keywright files convert.', mend: [{ kind: 'convert', format: 'pkcs12' }] } as const;
  const few: Finding = { level: 'weak', code: 'few-rounds', detail: `${rounds} rounds of key derivation: a passphrase is guessed quickly.`, ...anew };
  const many: Finding = {
    level: 'odd', code: 'many-rounds', detail: `It asks for ${rounds} rounds of key derivation, which would keep this computer busy for long: it is not opened.`,
    remedy: 10 * rounds <= MOST_ROUNDS ? `Where it comes from somebody you trust, allow them: keywright config set ${ROUNDS_SETTING} ${10 * rounds}.` : 'Have it written anew with fewer by the program that it comes from.',
  };
  const findings = rounds < 10_000 ? [few] : tooMany ? [many] : [];
  if (type === 'BKS' && version < 2) findings.push({ level: 'weak', code: 'short-mac', detail: 'Its MAC has a key of 16 bits, so that many passphrases fit it and it can be changed unseen (CVE-2018-5382).', ...anew });
  return {
    facts: [['Key store', `${type}, version ${version}`], ['MAC', type === 'BKS' ? 'HMAC-SHA1' : 'none: a SHA-1 within the encryption'], ['Encryption', type === 'BKS' ? '3DES, of each key' : 'Twofish'], ['Rounds', String(rounds)]],
    findings,
  };
}
