import type { SignatureAlgorithmName } from '../../contract/index.ts';
import { contextTag, der, derInteger, derOid, derSequence } from '../../formats/der.ts';
import { derSet } from '../reading/names.ts';
import { type CertificateRequest, parseRequest } from '../reading/request.ts';
import { signatureIdentifier } from '../signatures.ts';
import { type Content, drafted, EXTENSION_REQUEST, type Sign, signed, type Subject } from './certificate.ts';
import { subjectKeyIdentifierOf, keyIdentifierOf } from './extensions.ts';
import type { Warning } from './rules.ts';

/** Makes a certificate signing request (PKCS#10, RFC 2986) with the extensions that are wished for. */
export async function signRequest(content: Pick<Content, 'subject' | 'san' | 'profile' | 'pathLength' | 'keyUsage' | 'extendedKeyUsage' | 'mustStaple'>, subject: Subject, algorithm: SignatureAlgorithmName, sign: Sign): Promise<{ request: CertificateRequest; warnings: readonly Warning[] }> {
  const { subject: name, extensions, warnings } = drafted({ ...content, permit: [], exclude: [] }, subject);
  const identifier = signatureIdentifier(algorithm);
  const wished = derSequence(...extensions, subjectKeyIdentifierOf(keyIdentifierOf(subject.spki)));
  const tbs = derSequence(derInteger(0n), name, subject.spki, der(contextTag(0), derSequence(derOid(EXTENSION_REQUEST), derSet([wished]))));
  return { request: parseRequest(await signed(tbs, identifier, subject.spki, algorithm, sign)), warnings };
}
