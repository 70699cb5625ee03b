import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { SignatureAlgorithmName } from '../../contract/index.ts';
import { Certificate, type Content, prepareCertificate, signCertificate } from '../index.ts';
import type { RevocationList } from '../index.ts';
import { type RevokedCertificate, signRevocationList } from '../making/crl.ts';
import { contextTag, der, derInteger, derSequence } from '../../formats/der.ts';
import { derTime } from '../reading/asn1.ts';
import { buildName } from '../reading/names.ts';
import { signatureIdentifier } from '../signatures.ts';
import { randomSerial, signed } from '../making/certificate.ts';
import { keyIdentifierOf, subjectKeyIdentifierOf, authorityKeyIdentifierOf } from '../making/extensions.ts';

/** For tests: authorities with keys of node:crypto, that issue what is asked for, right or wrong. */

export interface Holder { readonly certificate: Certificate; readonly key: KeyObject }

const NOTHING: Content = { san: [], permit: [], exclude: [], policies: [], crlUrl: [], ocspUrl: [], issuerUrl: [], mustStaple: false };
export const AT = new Date('2026-06-01T00:00:00Z');
const TIMES = { notBefore: '2026-01-01T00:00:00.000Z', notAfter: '2027-01-01T00:00:00.000Z' };
const signWith = (key: KeyObject) => async (_algorithm: SignatureAlgorithmName, message: Uint8Array): Promise<Uint8Array> => sign('sha256', message, key);

/** @returns a certificate by a profile, and its key; `by` undefined: self-signed. */
export async function issue(subject: string, content: Partial<Content>, by?: Holder, keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })): Promise<Holder> {
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const prepared = prepareCertificate({ ...NOTHING, ...TIMES, subject, ...content }, { spki, encrypts: false }, by, AT);
  const issuer = by === undefined ? { name: prepared.subject, spki } : { name: by.certificate.subject.der, spki: by.certificate.spki };
  return { certificate: await signCertificate(prepared, issuer, 'ecdsa-sha256', signWith(by?.key ?? keys.privateKey)), key: keys.privateKey };
}

/** @returns a certificate with exactly these extensions (and key identifiers), whatever any rule says. */
export async function forge(subject: string, extensions: readonly Buffer[], by: Holder, times: { notBefore?: Date; notAfter?: Date } = {}): Promise<Holder> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const identifier = signatureIdentifier('ecdsa-sha256');
  const tbs = derSequence(
    der(contextTag(0), derInteger(2n)), randomSerial(), identifier, by.certificate.subject.der, derSequence(derTime(times.notBefore ?? new Date(TIMES.notBefore)), derTime(times.notAfter ?? new Date(TIMES.notAfter))), buildName(subject), spki,
    der(contextTag(3), derSequence(...extensions, subjectKeyIdentifierOf(keyIdentifierOf(spki)), authorityKeyIdentifierOf(keyIdentifierOf(by.certificate.spki)))),
  );
  return { certificate: new Certificate(await signed(tbs, identifier, by.certificate.spki, 'ecdsa-sha256', signWith(by.key))), key: keys.privateKey };
}

export const revocationList = (by: Holder, revoked: readonly RevokedCertificate[], more: { number?: bigint; baseNumber?: bigint; nextUpdate?: Date } = {}): Promise<RevocationList> =>
  signRevocationList({ issuer: by.certificate, number: 1n, thisUpdate: new Date('2026-05-01T00:00:00Z'), nextUpdate: new Date('2026-07-01T00:00:00Z'), revoked, ...more }, 'ecdsa-sha256', signWith(by.key));
