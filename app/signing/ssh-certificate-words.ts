import type { CertificateExtension, CertificateField } from '../contract/index.ts';
import { harmless, hexOf } from '../certificates/reading/text.ts';
import type { CertificateFacts } from '../certificates/index.ts';
import { algorithmOfSpki, fingerprint } from '../formats/spki.ts';
import { sshCertificateId, sshCertificateLine, sshFingerprint, type SshCertificate, type SshOption } from './ssh-certificate.ts';

/** An OpenSSH certificate in words, in the shape that certificates have here. */

const ALWAYS = new Date(0);
const FOREVER = new Date('9999-12-31T23:59:59.000Z');
const MEANINGS: Readonly<Record<string, string>> = {
  'force-command': 'This command runs, whatever was asked for.', 'source-address': 'It is good from these addresses alone.', 'verify-required': 'The security key must have checked its user (PIN or fingerprint).',
  'permit-X11-forwarding': 'Windows may be shown over the connection.', 'permit-agent-forwarding': 'The agent may be passed on.', 'permit-port-forwarding': 'Ports may be passed on.', 'permit-pty': 'A terminal may be had.', 'permit-user-rc': 'The user’s ~/.ssh/rc runs.',
  'no-touch-required': 'The security key need not be touched.',
};

/** What lists show of it. `publicKey` and `issuerId` are fingerprints of SubjectPublicKeyInfo, as those of keys held here. */
export function factsOfSsh(certificate: SshCertificate, blob: Uint8Array): CertificateFacts {
  const { key, keyId, authority, authorityBlob, serial, notBefore, notAfter, principals, isUser, signatureType, algorithm } = certificate;
  return {
    id: sshCertificateId(blob), subject: harmless(keyId), issuer: sshFingerprint(authorityBlob), serial: serial.toString(), notBefore: (notBefore ?? ALWAYS).toISOString(), notAfter: (notAfter === null || notAfter > FOREVER ? FOREVER : notAfter).toISOString(),
    keyAlgorithm: algorithmOfSpki(key.spki) ?? 'unknown', signatureAlgorithm: algorithm ?? signatureType, publicKey: fingerprint(key.spki), names: principals.map((name) => `principal:${harmless(name)}`), purposes: [isUser ? 'ssh-user' : 'ssh-host'],
    authority: false, selfSigned: false, subjectId: `ssh:${fingerprint(key.spki)}`, issuerId: fingerprint(authority),
  };
}

export function titleOfSsh({ keyId, principals, serial }: SshCertificate): string {
  return (harmless(keyId).trim() || principals.map(harmless).join(', ') || `Certificate ${serial}`).slice(0, 200);
}

/** What is odd or wrong about one. */
export function problemsOfSsh({ genuine, signatureType, principals, isUser, notAfter, criticalOptions, extensions }: SshCertificate): string[] {
  return [
    ...(genuine ? [] : [signatureType === 'ssh-rsa' ? 'It is signed by RSA with SHA-1 (ssh-rsa), which OpenSSH accepts no more since 8.2.' : 'The authority’s signature does not fit: the certificate was changed, or the authority did not make it.']),
    ...(principals.length === 0 ? ['It names nobody: some programs take it for everybody.'] : []), ...(notAfter === null ? ['It is good for ever.'] : []),
    ...(!isUser && criticalOptions.length + extensions.length > 0 ? ['It is for a host and has options, of which none are for hosts (PROTOCOL.certkeys).'] : []),
    ...criticalOptions.filter(({ name }) => MEANINGS[name] === undefined).map(({ name }) => `The critical option ${harmless(name)} is not known: who does not know it refuses the certificate.`),
  ];
}

/** @param label the comment of its line. */
export function sshInWords(certificate: SshCertificate, blob: Uint8Array, label: string): { version: number; fields: CertificateField[]; extensions: CertificateExtension[]; problems: string[]; pem: string } {
  const { type, key, serial, isUser, keyId, principals, notBefore, notAfter, criticalOptions, extensions, authority, authorityBlob, signatureType } = certificate;
  const field = (name: string, value: string): CertificateField => ({ name, value, raw: null, offset: null });
  const option = (critical: boolean) => ({ name, value }: SshOption): CertificateExtension =>
    ({ oid: harmless(name), name: harmless(name), critical, lines: [...(MEANINGS[name] === undefined ? [] : [MEANINGS[name]]), ...(value === null ? [] : [harmless(value)])], raw: Buffer.from(value ?? '').toString('hex'), offset: 0, problem: null });
  return {
    version: 1,
    fields: [
      field('Type', type), field('For', isUser ? 'a user' : 'a host'), field('Key id', harmless(keyId) || '(empty)'), field('Serial number', serial.toString()), field('Principals', principals.map(harmless).join(', ') || '(nobody)'),
      field('Not before', notBefore === null || notBefore.getTime() === 0 ? 'always' : notBefore.toISOString().replace('.000Z', 'Z')), field('Not after', notAfter === null ? 'for ever' : notAfter.toISOString().replace('.000Z', 'Z')),
      field('Public key', `${algorithmOfSpki(key.spki) ?? 'unknown'}${key.kind === 'security-key' ? ` in a security key (${harmless(key.application)})` : ''}`), field('Authority', `${algorithmOfSpki(authority) ?? 'unknown'} ${sshFingerprint(authorityBlob)}`),
      field('Signature algorithm', signatureType), field('Fingerprint SHA-256', hexOf(Buffer.from(sshCertificateId(blob), 'hex'))), field('Public key SHA-256', fingerprint(key.spki)),
    ],
    extensions: [...criticalOptions.map(option(true)), ...extensions.map(option(false))],
    problems: problemsOfSsh(certificate), pem: sshCertificateLine(blob, label),
  };
}
