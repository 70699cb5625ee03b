import { createHash } from 'node:crypto';
import { contextPrimitive, contextTag, DerReader, TAG } from '../../formats/der.ts';
import { looksLikePem, parsePem, writePem } from '../../formats/pem.ts';
import { malformed, notSupported, within } from '../../formats/malformed.ts';
import { type PublicKeyInfo, publicKeyInfo, readSignature, readSignatureAlgorithm, type SignatureAlgorithmInfo, verifySigned } from '../signatures.ts';
import { type Asn1Time, readBits, readTime, whole } from './asn1.ts';
import {
  authorityKeyIdentifier, type AuthorityKeyIdentifier, basicConstraints, type BasicConstraints, extendedKeyUsage, type Extension, EXTENSION, generalNames, keyUsage, readExtensions, subjectKeyIdentifier,
} from './extensions.ts';
import type { GeneralName } from './general-names.ts';
import { type Name, readName } from './names.ts';
import type { KeyUsageName } from './oids.ts';

/** Largest certificate that is read; those with 10,000 names have a third of a megabyte. */
const MAX_CERTIFICATE = 4 * 1024 * 1024;
const MAX_CERTIFICATES = 20_000;

/** Which rule a fault is about. */
export type FaultKind = 'version' | 'unique-identifier' | 'serial' | 'algorithm' | 'parameters' | 'signature' | 'time' | 'issuer' | 'twice';

/** What breaks RFC 5280: a sentence, with its section. */
export interface Fault { readonly kind: FaultKind; readonly text: string }

/** Where a part is: within the DER of the certificate. */
export interface Part { readonly from: number; readonly to: number }

/**
 * An X.509 certificate (RFC 5280 §4.1). What makes it unreadable is refused when it is read; what breaks a rule without doing that is in `faults`.
 * Extensions are read when asked for, so that one that is malformed can still be shown: {@link Certificate.read}.
 */
export class Certificate {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly version: number;
  /** Content of the INTEGER. */
  readonly serial: Uint8Array;
  readonly issuer: Name;
  readonly subject: Name;
  readonly notBefore: Asn1Time;
  readonly notAfter: Asn1Time;
  readonly spki: Uint8Array;
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: SignatureAlgorithmInfo;
  readonly signature: Uint8Array;
  readonly faults: readonly Fault[];
  /** What DER or RFC 5280 do not want, and nobody is harmed by. */
  readonly oddities: readonly string[];
  readonly parts: Readonly<Record<'version' | 'serial' | 'algorithm' | 'issuer' | 'validity' | 'subject' | 'publicKey' | 'signature', Part | undefined>>;
  readonly #values = new Map<string, { value: unknown } | { thrown: unknown }>();
  #key: PublicKeyInfo | undefined;
  #id: string | undefined;
  #publicKeyId: string | undefined;

  constructor(bytes: Uint8Array) {
    if (bytes.length > MAX_CERTIFICATE) throw malformed(`The certificate has ${bytes.length} bytes; ${MAX_CERTIFICATE} is the most.`, MAX_CERTIFICATE);
    const faults: Fault[] = [];
    const fault = (kind: FaultKind, text: string): unknown => faults.push({ kind, text });
    const oddities: string[] = [];
    const outer = new DerReader(bytes);
    const certificate = outer.enter('the certificate');
    outer.finish('the certificate');
    const tbsElement = certificate.next('the part that is signed', TAG.sequence);
    const tbs = certificate.inside(tbsElement);
    const versionElement = tbs.optional('the version', contextTag(0));
    let version = 1;
    if (versionElement !== undefined) {
      const inside = tbs.inside(versionElement);
      version = inside.smallInteger('the version', 127) + 1;
      inside.finish('the version');
      if (version === 1) oddities.push('It spells out version 1, which DER leaves out (X.690 §11.5).');
      if (version > 3) throw notSupported(`The certificate has version ${version}; there are versions 1 to 3 (RFC 5280 §4.1.2.1).`);
    }
    const part = (from: number): Part => ({ from, to: tbs.offset });
    const serialElement = tbs.next('the serial number', TAG.integer);
    const serial = tbs.content(serialElement);
    checkSerial(serial, serialElement.offset, fault);
    const algorithmAt = tbs.offset;
    const inner = readSignatureAlgorithm(tbs, 'the signature algorithm');
    const algorithmPart = part(algorithmAt);
    const issuerAt = tbs.offset;
    const issuer = readName(tbs, 'the issuer');
    const issuerPart = part(issuerAt);
    const validityAt = tbs.offset;
    const validity = tbs.enter('the validity');
    const [notBefore, notAfter] = [readTime(validity, 'the beginning of the validity'), readTime(validity, 'the end of the validity')];
    validity.finish('the validity');
    const validityPart = part(validityAt);
    const subjectAt = tbs.offset;
    const subject = readName(tbs, 'the subject');
    const subjectPart = part(subjectAt);
    const spkiElement = tbs.next('the public key', TAG.sequence);
    for (const number of [1, 2]) {
      if (tbs.peek() !== contextPrimitive(number)) continue;
      readBits(tbs, 'a unique identifier', contextPrimitive(number));
      oddities.push(`It has ${number === 1 ? 'an issuer' : 'a subject'} unique identifier, which conforming authorities do not write (RFC 5280 §4.1.2.8).`);
      if (version === 1) fault('unique-identifier', 'Unique identifiers need version 2 or 3 (RFC 5280 §4.1.2.8).');
    }
    const extensionsElement = tbs.optional('the extensions', contextTag(3));
    let extensions: Extension[] = [];
    if (extensionsElement !== undefined) {
      const inside = tbs.inside(extensionsElement);
      extensions = readExtensions(inside, 'the certificate');
      inside.finish('the extensions');
      if (version !== 3) fault('version', `It has extensions and version ${version}; extensions need version 3 (RFC 5280 §4.1.2.9).`);
    }
    tbs.finish('the part that is signed');
    const algorithm = readSignatureAlgorithm(certificate, 'the signature algorithm');
    const signatureAt = certificate.offset;
    const signature = readSignature(certificate, 'the signature');
    const signaturePart = { from: signatureAt, to: certificate.offset };
    certificate.finish('the certificate');
    if (!Buffer.from(inner.der).equals(algorithm.der)) fault('algorithm', 'The signature algorithm within differs from the one without (RFC 5280 §4.1.1.2).');
    if (algorithm.fault !== undefined && algorithm.kind === 'rsa') oddities.push(algorithm.fault);
    else if (algorithm.fault !== undefined) fault('parameters', algorithm.fault);
    if (signature.length === 0) fault('signature', 'Its signature is none: it has no whole bytes (RFC 5280 §4.1.1.3).');
    checkTimes([notBefore, notAfter], fault);
    if (issuer.rdns.length === 0) fault('issuer', 'It names no issuer (RFC 5280 §4.1.2.4).');
    const seen = new Set<string>();
    for (const { oid } of extensions) {
      if (seen.has(oid)) fault('twice', `The extension ${oid} is there twice (RFC 5280 §4.2).`);
      seen.add(oid);
    }
    this.der = bytes;
    this.tbs = whole(certificate, tbsElement);
    this.version = version;
    this.serial = serial;
    this.issuer = issuer;
    this.subject = subject;
    this.notBefore = notBefore;
    this.notAfter = notAfter;
    this.spki = whole(tbs, spkiElement);
    this.extensions = extensions;
    this.signatureAlgorithm = algorithm;
    this.signature = signature;
    this.faults = faults;
    this.oddities = oddities;
    this.parts = {
      version: versionElement === undefined ? undefined : { from: versionElement.offset, to: versionElement.to }, serial: { from: serialElement.offset, to: serialElement.to }, algorithm: algorithmPart, issuer: issuerPart, validity: validityPart,
      subject: subjectPart, publicKey: { from: spkiElement.offset, to: spkiElement.to }, signature: signaturePart,
    };
  }

  /** Hex SHA-256 of the DER. */
  get id(): string {
    return (this.#id ??= createHash('sha256').update(this.der).digest('hex'));
  }

  /** `SHA256:` and hex, of the SubjectPublicKeyInfo, as keys have it. */
  get publicKeyId(): string {
    return (this.#publicKeyId ??= `SHA256:${createHash('sha256').update(this.spki).digest('hex')}`);
  }

  get key(): PublicKeyInfo {
    return (this.#key ??= publicKeyInfo(this.spki));
  }

  /** The serial number, hex, without leading zeros. */
  get serialText(): string {
    return serialHex(this.serial);
  }

  get isSelfIssued(): boolean {
    return this.subject.canonical === this.issuer.canonical;
  }

  extension(oid: string): Extension | undefined {
    return this.extensions.find((extension) => extension.oid === oid);
  }

  /** @returns what an extension says, or undefined when it is not there. @throws INVALID_INPUT with its place when it is malformed. */
  read<T>(oid: string, reader: (value: Uint8Array) => T): T | undefined {
    let known = this.#values.get(oid);
    if (known === undefined) {
      const extension = this.extension(oid);
      if (extension === undefined) known = { value: undefined };
      else {
        try {
          known = { value: within(`extension ${oid}`, () => reader(extension.value)) };
        } catch (thrown) {
          known = { thrown };
        }
      }
      this.#values.set(oid, known);
    }
    if ('thrown' in known) throw known.thrown;
    return known.value as T | undefined;
  }

  /** As {@link read}, undefined also for what is malformed: for lists, where the verdict of a verification is not asked for. */
  lenient<T>(oid: string, reader: (value: Uint8Array) => T): T | undefined {
    try {
      return this.read(oid, reader);
    } catch {
      return undefined;
    }
  }

  get basicConstraints(): BasicConstraints | undefined { return this.lenient(EXTENSION.basicConstraints, basicConstraints); }
  get keyUsages(): readonly KeyUsageName[] | undefined { return this.lenient(EXTENSION.keyUsage, keyUsage)?.usages; }
  get extendedKeyUsages(): readonly string[] | undefined { return this.lenient(EXTENSION.extendedKeyUsage, extendedKeyUsage); }
  get alternativeNames(): readonly GeneralName[] { return this.lenient(EXTENSION.subjectAltName, generalNames) ?? []; }
  get subjectKeyIdentifier(): Uint8Array | undefined { return this.lenient(EXTENSION.subjectKeyIdentifier, subjectKeyIdentifier); }
  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined { return this.lenient(EXTENSION.authorityKeyIdentifier, authorityKeyIdentifier); }

  /** @returns whether `issuer`’s key made the signature; says nothing of names or rights. */
  isSignedBy(issuer: Pick<Certificate, 'key'>): boolean {
    return verifySigned(issuer.key, this.signatureAlgorithm, this.tbs, this.signature);
  }

  toPem(): string {
    return writePem('CERTIFICATE', this.der).toString('latin1');
  }
}

/** @returns hex without leading zeros; negative numbers with a minus. */
export function serialHex(content: Uint8Array): string {
  const negative = ((content[0] ?? 0) & 0x80) !== 0;
  const hex = Buffer.from(content).toString('hex');
  if (!negative) return hex.replace(/^0+(?=.)/, '');
  const value = (1n << BigInt(8 * content.length)) - BigInt(`0x${hex}`);
  return `-${value.toString(16)}`;
}

function checkSerial(serial: Uint8Array, offset: number, fault: (kind: FaultKind, text: string) => unknown): void {
  const [first = 0, second = 0] = serial;
  if (serial.length === 0) throw malformed('The serial number is an INTEGER without a value.', offset);
  if (serial.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) throw malformed('The serial number has needless leading bytes.', offset);
  if (serial.length > 1024) throw malformed(`The serial number has ${serial.length} bytes.`, offset);
  if (first >= 0x80) fault('serial', 'Its serial number is negative (RFC 5280 §4.1.2.2).');
  if (serial.length === 1 && first === 0) fault('serial', 'Its serial number is zero (RFC 5280 §4.1.2.2).');
  if (serial.length > 20) fault('serial', `Its serial number has ${serial.length} bytes; 20 is the most (RFC 5280 §4.1.2.2).`);
}

function checkTimes(times: readonly [Asn1Time, Asn1Time], fault: (kind: FaultKind, text: string) => unknown): void {
  for (const { date, form } of times) {
    const year = date.getUTCFullYear();
    if (form === 'generalized' && year >= 1950 && year < 2050) fault('time', 'It writes a time before 2050 as GeneralizedTime (RFC 5280 §4.1.2.5).');
  }
  if (times[0].date > times[1].date) fault('time', 'Its validity ends before it begins (RFC 5280 §4.1.2.5).');
}

const PEM_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);

/**
 * Reads the certificates of a file: DER, one or several in a row, or PEM with any number of them among other blocks.
 * @returns at least one. @throws INVALID_INPUT with the place, CAPABILITY_MISSING when the file holds none.
 */
export function readCertificates(content: Uint8Array): Certificate[] {
  return [...eachCertificate(content)];
}

/** As {@link readCertificates}, one at a time: for whoever has other things to do meanwhile. */
export function* eachCertificate(content: Uint8Array): IterableIterator<Certificate> {
  if (content.length === 0) throw malformed('The file is empty.', 0);
  if (content[0] === TAG.sequence && !looksLikePem(content.subarray(0, 64))) return yield* inARow(content);
  if (!looksLikePem(content)) throw malformed('The file holds no certificate: it is neither PEM nor DER.', 0);
  const blocks = parsePem(content, MAX_CERTIFICATES);
  const found = blocks.filter(({ label }) => PEM_LABELS.has(label));
  if (found.length === 0) throw notSupported(`The file holds no certificate, but ${[...new Set(blocks.map(({ label }) => label))].slice(0, 5).join(', ') || 'no whole PEM block'}.`, 'Give a file with certificates.');
  if (found.length > MAX_CERTIFICATES) throw malformed(`The file holds ${found.length} certificates; ${MAX_CERTIFICATES} is the most.`);
  for (const { label, content: bytes, line } of found) yield within(`line ${line}`, () => new Certificate(label === 'TRUSTED CERTIFICATE' ? firstElement(bytes) : bytes));
}

/** `cat a.der b.der`. What follows and is no certificate is told as what follows the first. */
function* inARow(content: Uint8Array): IterableIterator<Certificate> {
  const reader = new DerReader(content);
  const found: Uint8Array[] = [];
  while (found.length < MAX_CERTIFICATES && reader.peek() === TAG.sequence) found.push(whole(reader, reader.next('the certificate', TAG.sequence)));
  if (!reader.atEnd || found.length === 1) yield new Certificate(content);
  else for (const [index, bytes] of found.entries()) yield within(`certificate ${index + 1}`, () => new Certificate(bytes));
}

/** OpenSSL writes its own notes on trust behind a TRUSTED CERTIFICATE; whom we trust is not theirs to say. */
function firstElement(bytes: Uint8Array): Uint8Array {
  const reader = new DerReader(bytes);
  return whole(reader, reader.next('the certificate', TAG.sequence));
}
