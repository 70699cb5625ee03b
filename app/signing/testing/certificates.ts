import { buildName, type Certificate, type CertificateTrust, type Content, prepareCertificate, signCertificate } from '../../certificates/index.ts';
import type { KeyAlgorithmName } from '../../contract/index.ts';
import { signatureAlgorithmsOf } from '../../contract/index.ts';
import { pairOf } from '../../formats/testing/keys.ts';
import { contentOfMessage, type SigningKey, type Trust } from '../format.ts';
import { type CountingKey, signAsTokensDo, signingKey, trusting } from './keys.ts';

/** Certificates for the keys of these tests, self-signed or by one another. */

export const CONTENT: Content = { san: [], permit: [], exclude: [], policies: [], crlUrl: [], ocspUrl: [], issuerUrl: [], mustStaple: false };

export interface Issuer {
  readonly key: KeyAlgorithmName;
  readonly certificate: Certificate;
}

export async function certify(key: KeyAlgorithmName, subject: string, content: Partial<Content> = {}, issuer?: Issuer): Promise<Certificate> {
  const { spki } = pairOf(key);
  const prepared = prepareCertificate({ ...CONTENT, subject, ...content }, { spki, encrypts: false }, issuer);
  const by = issuer?.key ?? key;
  const algorithm = signatureAlgorithmsOf(by)[0]!;
  return signCertificate(prepared, { name: issuer?.certificate.subject.der ?? buildName(subject), spki: pairOf(by).spki }, algorithm, async (name, message) => signAsTokensDo(by, name, contentOfMessage(name, message)));
}

export async function certifiedKey(name: KeyAlgorithmName, certificate?: Certificate, chain: readonly Certificate[] = []): Promise<CountingKey & SigningKey> {
  const own = certificate ?? (await certify(name, `CN=Ada with ${name}`));
  return { ...signingKey(name), certificate: async () => ({ certificate: own, chain }) };
}

export function trustingCertificates(anchors: readonly Certificate[], more: Partial<Trust> = {}, between: readonly Certificate[] = []): Trust {
  const certificates: CertificateTrust = { anchors, between };
  return { ...trusting(), certificates, rootsNamed: true, ...more };
}
