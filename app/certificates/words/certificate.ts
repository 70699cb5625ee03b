import { createHash } from 'node:crypto';
import type { CertificateExtension, CertificateField } from '../../contract/index.ts';
import { DerReader } from '../../formats/der.ts';
import type { Certificate, Part } from '../reading/certificate.ts';
import type { Name } from '../reading/names.ts';
import { ATTRIBUTES } from '../reading/oids.ts';
import { harmless, hexOf, stringTypeName } from '../reading/text.ts';
import { extensionInWords } from './extensions.ts';

/** Every field of a certificate in words, with its bytes beside. */
interface CertificateInWords {
  readonly version: number;
  readonly fields: CertificateField[];
  readonly extensions: CertificateExtension[];
  readonly problems: string[];
  readonly sha1: string;
  readonly pem: string;
}

export function inWords(certificate: Certificate): CertificateInWords {
  const { der, parts, notBefore, notAfter, subject, issuer, signatureAlgorithm, key, version } = certificate;
  const extensions = certificate.extensions.map(extensionInWords);
  const field = (name: string, value: string, part?: Part): CertificateField =>
    ({ name, value, raw: part === undefined ? null : Buffer.from(der.subarray(part.from, part.to)).toString('hex'), offset: part?.from ?? null });
  const fields = [
    field('Version', String(version), parts.version), field('Serial number', certificate.serialText, parts.serial), field('Signature algorithm', signatureAlgorithm.name, parts.algorithm),
    field('Issuer', issuer.text || '(empty)', parts.issuer), ...attributeFields('Issuer', issuer), field('Not before', time(notBefore.date), parts.validity), field('Not after', time(notAfter.date)),
    field('Subject', subject.text || '(empty)', parts.subject), ...attributeFields('Subject', subject), field('Public key', key.name, parts.publicKey), ...keyFields(certificate).map(([name, value]) => field(name, value)),
    field('Signature', hexOf(certificate.signature, 64), parts.signature), field('Fingerprint SHA-256', hexOf(Buffer.from(certificate.id, 'hex'))), field('Public key SHA-256', certificate.publicKeyId),
  ];
  return {
    version, fields, extensions, sha1: createHash('sha1').update(der).digest('hex'), pem: certificate.toPem(),
    problems: [...certificate.faults.map(({ text }) => text), ...certificate.oddities, ...extensions.flatMap(({ name, problem }) => (problem === null ? [] : [`${name}: ${problem}`])), ...(key.problem === undefined ? [] : [`Weak: ${key.problem}.`]), ...(signatureAlgorithm.weak === undefined ? [] : [`Weak: ${signatureAlgorithm.weak}`])],
  };
}

/** @returns all of it as a page of text. */
export function textOf({ fields, extensions, problems, pem }: CertificateInWords): string {
  const widest = Math.max(...fields.map(({ name }) => name.length));
  return [
    ...fields.map(({ name, value }) => `${name.padEnd(widest)}  ${value}`), '',
    ...extensions.flatMap(({ name, oid, critical, lines, problem }) => [`${name}${name.includes(oid) ? '' : ` (${oid})`}${critical ? ', critical' : ''}`, ...lines.map((line) => `  ${line}`), ...(problem === null ? [] : [`  ! ${problem}`])]),
    ...(problems.length === 0 ? [] : ['', 'What is wrong with it', ...problems.map((problem) => `  ! ${problem}`)]), '', pem.trimEnd(),
  ].join('\n');
}

const time = (date: Date): string => date.toISOString().replace('.000Z', 'Z');

function attributeFields(of: string, name: Name): CertificateField[] {
  return name.rdns.flatMap((attributes) => attributes.map(({ oid, text, tag, value, fault }): CertificateField => ({
    name: `${of}: ${ATTRIBUTES[oid] ?? oid}`, value: `${harmless(text)} (${stringTypeName(tag)}${fault === undefined ? '' : `, ${fault}`})`, raw: Buffer.from(value).toString('hex'), offset: null,
  })));
}

function keyFields({ key, spki }: Certificate): [string, string][] {
  const details = key.key?.asymmetricKeyDetails;
  if (details?.modulusLength !== undefined) return [['Modulus length', `${details.modulusLength} bits`], ['Public exponent', String(details.publicExponent ?? '')]];
  const info = new DerReader(spki).enter('the public key');
  info.next('the algorithm');
  const bits = info.next('the key');
  return [['Public key bytes', hexOf(info.content(bits).subarray(1), 80)]];
}
