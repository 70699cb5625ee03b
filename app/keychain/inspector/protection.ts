import type { ConvertFormatName } from '../../contract/index.ts';
import { isLegacyEncrypted } from '../../formats/legacy-pem.ts';
import { parseMinisignSecret } from '../../formats/minisign-secret.ts';
import { parseOpenssh } from '../../formats/openssh-private.ts';
import { parseEncryptedPkcs8 } from '../../formats/pbes.ts';
import { looksLikePem, parsePem } from '../../formats/pem.ts';
import { parsePkcs12 } from '../../formats/pkcs12.ts';
import { parsePpk } from '../../formats/ppk.ts';
import type { Finding, Hint } from './finding.ts';
import { protectionOfBks } from './java-stores.ts';
import type { Fact } from './tree.ts';

/** How a file of keys is protected, told without its passphrase. */

interface Protection {
  readonly facts: readonly Fact[];
  readonly findings: Finding[];
}

const FEW_ROUNDS = 10_000;
/** As ssh-keygen writes by default; fewer are somebody's wish. */
const FEW_BCRYPT_ROUNDS = 16;
const ANEW = 'Write it anew: keywright files convert.';

/** @param content as it stands in the file: DER, PEM or the text that the kind has. @throws INVALID_INPUT, CAPABILITY_MISSING for what is damaged or not handled */
export function protectionOf(kind: string, content: Uint8Array): Protection {
  switch (kind) {
    case 'pkcs8-encrypted': return ofPkcs8(content[0] === 0x30 ? content : bytesIn(content));
    case 'pkcs12': return content[0] === 0x30 ? ofPkcs12(content) : NOTHING;
    case 'pkcs1': case 'sec1': case 'pkcs8': return content[0] !== 0x30 && parsePem(content).some(isLegacyEncrypted)
      ? { facts: [['Encryption', 'OpenSSL’s old PEM encryption']], findings: [weak('old-pem', 'Its passphrase is hashed once with MD5 (OpenSSL’s old PEM encryption): it is guessed quickly.', 'pkcs8')] } : NOTHING;
    case 'openssh-private': return ofOpenssh(bytesIn(content));
    case 'ppk': return ofPpk(content);
    case 'bks': return protectionOfBks(content);
    case 'jks': return { facts: [], findings: [weak('old-keystore', 'Key stores of this kind hide keys by SHA-1 or 3DES, and check passphrases by SHA-1 (Java itself has written PKCS#12 since version 9).', 'pkcs12')] };
    default: return NOTHING;
  }
}

/** @returns what a PEM block holds; the file itself where it is no PEM, as binary files of OpenSSH's are. */
const bytesIn = (content: Uint8Array): Uint8Array => (looksLikePem(content) ? parsePem(content)[0]?.content : undefined) ?? content;

const NOTHING: Protection = { facts: [], findings: [] };
const weak = (code: string, detail: string, format: ConvertFormatName, level: Finding['level'] = 'weak'): Finding => ({ level, code, detail, remedy: ANEW, mend: [{ kind: 'convert', format }] });
const oldCipher = (name: string, format: ConvertFormatName): Finding[] => (/RC2|RC4|DES/i.test(name) ? [weak('old-cipher', `It is encrypted with ${name}.`, format)] : []);
const fewRounds = (rounds: number, least: number, format: ConvertFormatName): Finding[] =>
  (rounds < least ? [weak('few-rounds', `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of key derivation: a passphrase is guessed quickly.`, format)] : []);

function ofPkcs8(der: Uint8Array): Protection {
  const { name, cost } = parseEncryptedPkcs8(der);
  return { facts: [['Encryption', name], ['Rounds', String(cost)]], findings: [...oldCipher(name, 'pkcs8'), ...fewRounds(cost, FEW_ROUNDS, 'pkcs8')] };
}

function ofPkcs12(content: Uint8Array): Protection {
  const { mac, encryption, needsPassphrase } = parsePkcs12(content);
  const findings = encryption.flatMap((name) => oldCipher(name, 'pkcs12'));
  if (mac === null) findings.push(weak('no-mac', 'Nothing protects the file against changes: it has no MAC.', 'pkcs12', 'odd'));
  else if (mac.hash === 'sha1' || mac.hash === 'md5') findings.push(weak('mac-sha1', `Its MAC uses ${mac.hash === 'md5' ? 'MD5' : 'SHA-1'}.`, 'pkcs12'));
  if (mac !== null) findings.push(...fewRounds(mac.rounds, FEW_ROUNDS, 'pkcs12'));
  return { facts: [['MAC', mac?.name ?? 'none'], ['Encryption', encryption.join(', ') || 'none outside single keys'], ['Passphrase needed', needsPassphrase ? 'yes' : 'no']], findings };
}

function ofOpenssh(blob: Uint8Array): Protection {
  const { protection } = parseOpenssh(blob);
  if (protection === null) return NOTHING;
  const { cipher, rounds } = protection;
  return { facts: [['Encryption', cipher], ['Rounds of bcrypt', String(rounds)]], findings: [...oldCipher(cipher, 'openssh'), ...fewRounds(rounds, FEW_BCRYPT_ROUNDS, 'openssh')] };
}

function ofPpk(content: Uint8Array): Protection {
  const { version, encrypted } = parsePpk(content);
  const findings = version === 3 ? [] : [weak('ppk2', `PuTTY’s file format 2 ${encrypted ? 'hashes its passphrase with SHA-1 once, and ' : ''}is protected against changes by SHA-1 alone.`, 'ppk')];
  return { facts: [['Version', String(version)], ['Encryption', encrypted ? 'aes256-cbc' : 'none']], findings };
}

/** What a key in clear becomes with a passphrase: the same kind of file where that has a place for one. */
const PROTECTED: Readonly<Record<string, ConvertFormatName>> = { pkcs8: 'pkcs8', pkcs1: 'pkcs8', sec1: 'pkcs8', 'openssh-private': 'openssh', ppk: 'ppk', jwk: 'jwe', 'jwk-set': 'jwe', pkcs12: 'pkcs12', jks: 'pkcs12' };

/** @returns the way to protect a key in clear by a passphrase; none for kinds that have no place for one (age, COSE). */
export function protectedAs(kind: string, content: Uint8Array): Hint[] {
  const format = kind === 'minisign-secret' ? parseMinisignSecret(content).format : PROTECTED[kind];
  return format === undefined ? [] : [{ kind: 'protect', format }];
}
