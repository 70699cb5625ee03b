import { malformed, malformedAt } from '../formats/malformed.ts';
import { sshBlob } from '../formats/openssh-public.ts';
import { parsePem, writePem } from '../formats/pem.ts';
import { fingerprint, parseSpki } from '../formats/spki.ts';
import { SshReader, sshString, sshUint32 } from '../formats/ssh-wire.ts';
import { type AllowedSigner, matchesPatterns, readAllowedSigners } from './allowed-signers.ts';
import { type FormatModule, intactBy, notIntact, type SignatureVerdict, type Trust } from './format.ts';
import { isCertificateType, readSshCertificate, type SshCertificate } from './ssh-certificate.ts';
import { readSshKey, type SshKey, verifySshSignature, writeSshSignature } from './ssh-signature.ts';
import { knownKey } from './try-keys.ts';

/**
 * SSHSIG (OpenSSH's PROTOCOL.sshsig): what is signed is short, whatever the file's size: a namespace and the file's hash. The
 * namespace says what the signature is for, so that one of a mail or a commit is never taken for one of a file.
 */
const MAGIC = Buffer.from('SSHSIG');
const LABEL = 'SSH SIGNATURE';
const FILE_NAMESPACE = 'file';

export const sshsig: FormatModule = {
  async sign(file, key, { algorithm, namespace = FILE_NAMESPACE, certificate }) {
    const publicKey = certificate === undefined ? sshBlob(parseSpki(key.spki)) : await certificateFor(certificate, key.spki);
    const signed = signedData(namespace, 'sha512', await file.digest('sha512'));
    const signature = writeSshSignature(algorithm, await key.sign(algorithm, { message: signed }));
    const blob = Buffer.concat([MAGIC, sshUint32(1), sshString(publicKey), sshString(namespace), sshString(''), sshString('sha512'), sshString(signature)]);
    return { bytes: writePem(LABEL, blob, 70) };
  },

  async verify(file, signature, trust) {
    if (signature === null) throw malformed('An SSH signature is a file of its own.', undefined, 'Name it beside the file that it is of.');
    const parts = readSshsig(signature);
    const digest = await file.digest(parts.hash);
    const wanted = trust.namespace ?? FILE_NAMESPACE;
    const { key, certificate } = await signerOf(parts.publicKey);
    const { verified, algorithm, touched } = await verifySshSignature(key, parts.signature, signedData(parts.namespace, parts.hash, digest));
    const facts = { algorithm, spki: key.spki, notes: notesOf(key, certificate, touched) };
    if (!verified || algorithm === null) return [notIntact('The signature does not fit this file: the file was changed, or something else was signed.', facts)];
    if (parts.namespace !== wanted) return [notIntact(`The signature is for “${printable(parts.namespace)}”, and not for “${printable(wanted)}”: it was made of something else than it is shown as.`, facts)];
    if (touched === false) return [{ ...intactBy(key.spki, algorithm, null, facts), problem: 'The security key was not touched for it.' }];
    return [trust.allowedSigners === undefined ? byKey(key, algorithm, trust, facts) : byList(key, certificate, algorithm, trust, facts, parts.namespace)];
  },
};

interface Parts {
  readonly publicKey: Uint8Array;
  readonly namespace: string;
  readonly hash: 'sha256' | 'sha512';
  readonly signature: Uint8Array;
}

function readSshsig(content: Uint8Array): Parts {
  const block = parsePem(content).find(({ label }) => label === LABEL);
  if (block === undefined) throw malformed('The file holds no SSH signature.', 0);
  if (!block.content.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed('An SSH signature should begin with SSHSIG.', 0);
  const reader = new SshReader(block.content.subarray(MAGIC.length), MAGIC.length);
  const version = reader.uint32('the version');
  if (version !== 1) throw malformed(`The SSH signature is of version ${version}, and only 1 is known.`, MAGIC.length);
  const publicKey = reader.string('the public key');
  const namespace = reader.text('the namespace', 'utf8');
  reader.string('the reserved field');
  const hash = reader.text('the hash');
  const signature = reader.string('the signature');
  reader.finish('the SSH signature');
  if (hash !== 'sha256' && hash !== 'sha512') throw malformed('An SSH signature hashes with SHA-256 or SHA-512, and this one with something else.');
  if (namespace === '') throw malformed('The SSH signature does not say what it is for.');
  return { publicKey, namespace, hash, signature };
}

function signedData(namespace: string, hash: string, digest: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, sshString(namespace), sshString(''), sshString(hash), sshString(digest)]);
}

async function signerOf(blob: Uint8Array): Promise<{ key: SshKey; certificate: SshCertificate | null }> {
  if (!isCertificateType(new SshReader(blob).text('the key type'))) return { key: readSshKey(blob), certificate: null };
  const certificate = await readSshCertificate(blob);
  return { key: certificate.key, certificate };
}

type Facts = Partial<SignatureVerdict>;
type Algorithm = NonNullable<SignatureVerdict['algorithm']>;

function byKey({ spki }: SshKey, algorithm: Algorithm, trust: Trust, facts: Facts): SignatureVerdict {
  const known = knownKey(spki, trust);
  if (known === null && trust.named) return notIntact('The signature was made by another key than the one that you named.', facts);
  const verdict = intactBy(spki, algorithm, known, facts);
  return known === null ? { ...verdict, problem: 'The key is not held here. Name a list of allowed signers, or the public key.' } : verdict;
}

/** The caller's list alone counts, not what is held here. */
function byList(key: SshKey, certificate: SshCertificate | null, algorithm: Algorithm, trust: Trust, facts: Facts, namespace: string): SignatureVerdict {
  const reasons: string[] = [];
  // As ssh-keygen has it: who signs with a certificate is judged by that alone.
  const print = fingerprint(certificate === null ? key.spki : certificate.authority);
  for (const signer of readAllowedSigners(trust.allowedSigners as Uint8Array)) {
    const listed = fingerprintOf(signer);
    if (listed === undefined || listed !== print) continue;
    const reason = whyNotAllowed(signer, certificate, trust, namespace);
    if (reason === null) return { ...intactBy(key.spki, algorithm, knownKey(key.spki, trust), facts), name: nameOf(signer, certificate, trust), problem: null, trustedBy: { source: 'allowed-signers', name: `line ${signer.line}` } };
    reasons.push(reason);
  }
  const problem = reasons[0] ?? 'The list of allowed signers does not have the key.';
  return { ...intactBy(key.spki, algorithm, knownKey(key.spki, trust), facts), trustedBy: null, problem };
}

/** A line with a type that we do not handle is not about this key. */
function fingerprintOf({ blob }: AllowedSigner): string | undefined {
  try {
    return fingerprint(readSshKey(blob).spki);
  } catch {
    return undefined;
  }
}

function whyNotAllowed(signer: AllowedSigner, certificate: SshCertificate | null, trust: Trust, namespace: string): string | null {
  const { at, identity } = trust;
  if (signer.namespaces !== null && !matchesPatterns(namespace, signer.namespaces)) return `The list allows this key for ${signer.namespaces}, and not for ${printable(namespace)}.`;
  if (signer.validAfter !== null && at < signer.validAfter) return `The list allows this key from ${signer.validAfter.toISOString()} on.`;
  if (signer.validBefore !== null && at > signer.validBefore) return `The list allows this key until ${signer.validBefore.toISOString()}.`;
  if (certificate !== null && !signer.isAuthority) return 'The list has the authority as a key, and not as an authority.';
  if (!signer.isAuthority) return identity === undefined || matchesPatterns(identity, signer.principals) ? null : `The list gives this key to ${signer.principals}, and not to ${printable(identity)}.`;
  return certificate === null ? 'The list has the key as an authority, which does not sign files itself.' : whyNotCertified(certificate, signer, at, identity);
}

function whyNotCertified(certificate: SshCertificate, { principals }: AllowedSigner, at: Date, identity: string | undefined): string | null {
  if (!certificate.genuine) return certificate.signatureType === 'ssh-rsa' ? 'The certificate is signed with SHA-1, which proves nothing any more.' : 'The certificate’s signature does not fit: its authority did not make it.';
  if (!certificate.isUser) return 'The certificate is for a host, and not for a person.';
  if (certificate.notBefore !== null && at < certificate.notBefore) return `The certificate is valid from ${certificate.notBefore.toISOString()} on.`;
  if (certificate.notAfter !== null && at >= certificate.notAfter) return `The certificate was valid until ${certificate.notAfter.toISOString()}.`;
  if (certificate.criticalOptions.length > 0) return `The certificate has conditions that cannot be checked here: ${printable(certificate.criticalOptions.map(({ name }) => name).join(', '))}.`;
  const allowed = certificate.principals.filter((name) => matchesPatterns(name, principals));
  if (allowed.length === 0) return 'The certificate names nobody whom the list allows.';
  return identity === undefined || allowed.includes(identity) ? null : `The certificate is of ${printable(allowed.join(', '))}, and not of ${printable(identity)}.`;
}

function nameOf(signer: AllowedSigner, certificate: SshCertificate | null, { identity }: Trust): string {
  return identity ?? (signer.isAuthority ? (certificate as SshCertificate).principals.filter((name) => matchesPatterns(name, signer.principals)).join(', ') : signer.principals);
}

function notesOf(key: SshKey, certificate: SshCertificate | null, touched: boolean | undefined): string[] {
  return [
    ...(certificate === null ? [] : [`The signature carries an OpenSSH certificate “${printable(certificate.keyId)}” of ${fingerprint(certificate.authority)}.`]),
    ...(key.kind === 'security-key' ? [`The key is in a security key${touched === true ? ', which was touched' : ''}.`] : []),
  ];
}

/** @returns the certificate's blob. @throws INVALID_INPUT when it is of another key */
async function certificateFor(content: Uint8Array, spki: Uint8Array): Promise<Uint8Array> {
  const [type = '', base64 = ''] = Buffer.from(content).toString('utf8').trim().split(/\s+/);
  if (!isCertificateType(type)) throw malformedAt('/certificate', 'An SSH signature takes a certificate of OpenSSH (a file that ends in -cert.pub).');
  const blob = Buffer.from(base64, 'base64');
  const { key, notAfter, isUser } = await readSshCertificate(blob);
  if (fingerprint(key.spki) !== fingerprint(spki)) throw malformedAt('/certificate', 'The certificate is of another key.', 'Give the one of the key that signs.');
  if (!isUser) throw malformedAt('/certificate', 'The certificate is for a host; files are signed with one for a person.');
  if (notAfter !== null && notAfter < new Date()) throw malformedAt('/certificate', `The certificate was valid until ${notAfter.toISOString()}.`, 'Have a new one made, or sign without it.');
  return blob;
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 200);
}
