import { randomBytes } from 'node:crypto';
import { KeywrightError, type KeyAlgorithmName, type SignatureAlgorithmName } from '../contract/index.ts';
import { ipBytes } from '../certificates/reading/general-names.ts';
import { malformed, malformedAt, notSupported } from '../formats/malformed.ts';
import { keyBlobOfCertificate, sshBlob } from '../formats/openssh-public.ts';
import { parsePem } from '../formats/pem.ts';
import { readPublicKey, recognise } from '../formats/index.ts';
import { readRequest } from '../certificates/index.ts';
import { parseSpki } from '../formats/spki.ts';
import { SshReader, sshString, sshUint32 } from '../formats/ssh-wire.ts';
import { certificateTypeOf, readSshCertificate, type SshCertificate, sshCertificateBlob, type SshOption } from './ssh-certificate.ts';
import { readSshKey, sshAlgorithmsOf, writeSshSignature } from './ssh-signature.ts';

/** Makes OpenSSH certificates (PROTOCOL.certkeys). The signature comes from the caller: a private key never gets here. */

/** What `ssh-keygen` allows a user when nothing else is said. */
const DEFAULT_EXTENSIONS = ['permit-X11-forwarding', 'permit-agent-forwarding', 'permit-port-forwarding', 'permit-pty', 'permit-user-rc'] as const;
/** How long, unless somebody says so: users come back for a new one, hosts rarely. */
export const SSH_DAYS = { user: 30, host: 365 } as const;
const MAX_PRINCIPALS = 256; // sshd reads no more
const NAME = /^[\x21-\x7e]{1,200}$/;

export interface SshCertificateContent {
  /** The public key's blob, as SSH writes it. */
  readonly subject: Uint8Array;
  readonly isUser: boolean;
  readonly keyId: string;
  readonly principals: readonly string[];
  readonly serial: bigint;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly criticalOptions: readonly SshOption[];
  readonly extensions: readonly SshOption[];
}

/** What a caller says; fields are those of the contract. */
interface SshWishes {
  readonly principals?: readonly string[] | undefined;
  readonly keyId?: string | undefined;
  readonly serial?: string | undefined;
  readonly forceCommand?: string | undefined;
  readonly sourceAddress?: readonly string[] | undefined;
  readonly verifyRequired?: boolean | undefined;
  readonly extensions?: readonly string[] | undefined;
}

/**
 * @param content a public key in any form that is read, an OpenSSH certificate or a request: their key counts.
 * @returns its blob and its comment. @throws INVALID_INPUT with the place, CAPABILITY_MISSING for keys that SSH has no name for
 */
export function sshSubjectOf(content: Uint8Array): { blob: Uint8Array; comment: string } {
  const { what } = recognise(content);
  const text = Buffer.from(content).toString('utf8').trim();
  if (what === 'openssh-certificate') {
    const { blob, comment } = sshCertificateBlob(content);
    const key = keyBlobOfCertificate(blob);
    readSshKey(key);
    return { blob: key, comment };
  }
  if (what === 'openssh-public') {
    const [type = '', base64 = '', ...comment] = text.split(/\r?\n/, 1)[0]!.split(/[ \t]+/);
    const blob = Buffer.from(base64, 'base64');
    readSshKey(blob);
    if (new SshReader(blob).text('the key type') !== type) throw malformed('The key type in front and the one inside differ.', 0);
    return { blob, comment: comment.join(' ') };
  }
  const spki = what === 'certificate-request' ? readRequest(content).spki : readPublicKey(content).spki;
  return { blob: sshBlob(parseSpki(spki)), comment: what === 'public-key' && text.startsWith('-----') ? parsePem(content)[0]?.friendlyName ?? '' : '' };
}

/** @returns the signature algorithms of an authority's key, the recommended one first. @throws CAPABILITY_MISSING */
export function authorityAlgorithm(algorithm: KeyAlgorithmName, wanted: SignatureAlgorithmName | undefined): SignatureAlgorithmName {
  const possible = sshAlgorithmsOf(algorithm);
  const [first] = possible;
  if (first === undefined) throw notSupported(`OpenSSH knows no certificates signed by ${algorithm} keys.`, 'Use one of the kinds named as the authority.', ['ed25519', 'ec-p256', 'ec-p384', 'ec-p521', 'rsa-3072']);
  if (wanted !== undefined && !possible.includes(wanted)) throw notSupported(`An authority with a key for ${algorithm} does not sign OpenSSH certificates with ${wanted}.`, 'Leave the algorithm out, or choose one of those named.', possible);
  return wanted ?? first;
}

/**
 * Checks what is wished for, and says it as the certificate will.
 * @throws INVALID_INPUT with the field for what OpenSSH would not read or would refuse
 */
export function sshContent(wishes: SshWishes, isUser: boolean, subject: Uint8Array, defaultKeyId: string): Omit<SshCertificateContent, 'notBefore' | 'notAfter'> {
  const principals = wishes.principals ?? [];
  if (principals.length === 0) throw malformedAt('/ssh/principals', `A certificate that names nobody is good for nobody, or for everybody: it depends on the program.`, isUser ? 'Name the users (--principal ada).' : 'Name the host as it is called (--principal web.example.org).');
  if (principals.length > MAX_PRINCIPALS) throw malformedAt('/ssh/principals', `${principals.length} principals are named; sshd reads ${MAX_PRINCIPALS} at most.`);
  principals.forEach((name, index) => {
    if (!/^[^\p{Cc}\p{Cf}\s,]{1,255}$/u.test(name)) throw malformedAt(`/ssh/principals/${index}`, 'A principal has neither spaces nor commas.', 'Give each one of its own.');
  });
  if (!isUser) refuseForHosts(wishes);
  const serial = wishes.serial === undefined ? randomBytes(8).readBigUInt64BE(0) >> 1n : BigInt(wishes.serial);
  if (serial >= 1n << 64n) throw malformedAt('/ssh/serial', 'A serial number of an OpenSSH certificate has at most 64 bits.');
  const criticalOptions: SshOption[] = [
    ...(wishes.forceCommand === undefined ? [] : [{ name: 'force-command', value: wishes.forceCommand }]),
    ...((wishes.sourceAddress ?? []).length === 0 ? [] : [{ name: 'source-address', value: (wishes.sourceAddress ?? []).map(checkedAddress).join(',') }]),
    ...(wishes.verifyRequired === true ? [{ name: 'verify-required', value: null }] : []),
  ];
  const extensions = (isUser ? (wishes.extensions ?? DEFAULT_EXTENSIONS) : []).filter((name) => name !== 'none').map(optionOf);
  if (new Set(extensions.map(({ name }) => name)).size !== extensions.length) throw malformedAt('/ssh/extensions', 'An extension is named twice.');
  return { subject, isUser, keyId: wishes.keyId ?? defaultKeyId, principals, serial, criticalOptions, extensions };
}

function refuseForHosts({ forceCommand, sourceAddress = [], verifyRequired, extensions = [] }: SshWishes): void {
  const field = forceCommand !== undefined ? 'forceCommand' : sourceAddress.length > 0 ? 'sourceAddress' : verifyRequired === true ? 'verifyRequired' : extensions.some((name) => name !== 'none') ? 'extensions' : undefined;
  if (field !== undefined) throw malformedAt(`/ssh/${field}`, 'There are no options for hosts (PROTOCOL.certkeys): clients would refuse the certificate.', 'Leave it out, or issue it for a user.');
}

function checkedAddress(text: string, index: number): string {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const bytes = ipBytes(address);
  const bits = (bytes?.length ?? 0) * 8;
  const kept = prefix === undefined ? bits : Number(prefix);
  if (bytes === undefined || kept > bits) throw malformedAt(`/ssh/sourceAddress/${index}`, 'This is no address, and no range such as 10.0.0.0/8.');
  // sshd refuses every login by a certificate whose range has bits behind its prefix.
  if (bytes.some((byte, at) => (byte & (0xff >> Math.min(8, Math.max(0, kept - 8 * at)))) !== 0)) throw malformedAt(`/ssh/sourceAddress/${index}`, `The address has bits behind its prefix of ${kept}.`, 'Give the range’s first address.');
  return text.trim();
}

function optionOf(text: string, index: number): SshOption {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!NAME.test(name)) throw malformedAt(`/ssh/extensions/${index}`, 'The name of an extension is a word, such as permit-pty or login@example.org=ada.');
  return { name, value: equals < 0 ? null : text.slice(equals + 1) };
}

/** As PROTOCOL.certkeys wants them: by name, in the order of their bytes. */
function writeOptions(options: readonly SshOption[]): Buffer {
  const sorted = [...options].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  return Buffer.concat(sorted.map(({ name, value }) => Buffer.concat([sshString(name), sshString(value === null ? '' : sshString(value))])));
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/**
 * Signs a certificate, once, and reads it again before it is given out.
 * @param authority the key's SubjectPublicKeyInfo, DER. @returns the certificate and its blob. @throws INTERNAL when the signer gave garbage
 */
export async function signSshCertificate(content: SshCertificateContent, authority: Uint8Array, algorithm: SignatureAlgorithmName, sign: (algorithm: SignatureAlgorithmName, message: Uint8Array) => Promise<Uint8Array>): Promise<{ blob: Buffer; certificate: SshCertificate }> {
  const subject = new SshReader(content.subject);
  const type = certificateTypeOf(subject.text('the key type'));
  const signed = Buffer.concat([
    sshString(type), sshString(randomBytes(32)), subject.rest, uint64(content.serial), sshUint32(content.isUser ? 1 : 2), sshString(content.keyId), sshString(Buffer.concat(content.principals.map((name) => sshString(name)))),
    uint64(seconds(content.notBefore)), uint64(seconds(content.notAfter)), sshString(writeOptions(content.criticalOptions)), sshString(writeOptions(content.extensions)), sshString(''), sshString(sshBlob(parseSpki(authority))),
  ]);
  const blob = Buffer.concat([signed, sshString(writeSshSignature(algorithm, await sign(algorithm, signed)))]);
  const certificate = await readSshCertificate(blob);
  if (!certificate.genuine) throw new KeywrightError('INTERNAL', { detail: 'What the key signed does not verify with its public key. Nothing was made.', remedy: 'Try again; if it persists, the token or backend does not do what it says.' });
  return { blob, certificate };
}

const seconds = (date: Date): bigint => BigInt(Math.floor(date.getTime() / 1000));
