import { createHash } from 'node:crypto';
import { contextTag, DerReader, TAG } from '../../formats/der.ts';
import { malformed, notSupported, within } from '../../formats/malformed.ts';
import { looksLikePem, parsePem, writePem } from '../../formats/pem.ts';
import { readSignature, readSignatureAlgorithm, type PublicKeyInfo, type SignatureAlgorithmInfo, verifySigned } from '../signatures.ts';
import { GENERALIZED_TIME, readTime, UTC_TIME, whole } from './asn1.ts';
import { serialHex } from './certificate.ts';
import {
  authorityKeyIdentifier, type AuthorityKeyIdentifier, type DistributionPoint, distributionPoints, enumeratedValue, type Extension, EXTENSION, generalNames, integerValue, type IssuingDistributionPoint, issuingDistributionPoint, readExtensions, timeValue,
} from './extensions.ts';
import { type Name, readName } from './names.ts';

/** One certificate that is revoked (RFC 5280 §5.3). */
export interface RevokedEntry {
  readonly serial: string;
  readonly at: Date;
  /** RFC 5280 §5.3.1; 0 when it says none. */
  readonly reason: number;
  readonly invalidSince: Date | undefined;
  /** Canonical name of the certificate's issuer, in indirect lists; undefined: the list's own. */
  readonly issuer: string | undefined;
}

/** Largest list that is read. */
const MAX_CRL = 64 * 1024 * 1024;
const CRITICAL_HERE: ReadonlySet<string> = new Set([EXTENSION.issuingDistributionPoint, EXTENSION.deltaCrlIndicator, EXTENSION.authorityKeyIdentifier, EXTENSION.crlNumber]);
const CRITICAL_IN_ENTRIES: ReadonlySet<string> = new Set([EXTENSION.reasonCode, EXTENSION.invalidityDate, EXTENSION.certificateIssuer]);

/** A certificate revocation list (RFC 5280 §5). Its entries are read when first asked for. */
export class RevocationList {
  readonly der: Uint8Array;
  readonly tbs: Uint8Array;
  readonly version: number;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly Extension[];
  readonly signatureAlgorithm: SignatureAlgorithmInfo;
  readonly signature: Uint8Array;
  readonly number: bigint | undefined;
  /** Present: a delta over the list of this number. */
  readonly baseNumber: bigint | undefined;
  readonly point: IssuingDistributionPoint | undefined;
  /** Why it must not be relied on: critical extensions that nobody knows, faults of form. */
  readonly faults: readonly string[];
  readonly #profileFaults: string[] = [];
  #allProfileFaults: string[] | undefined;
  readonly #entries: DerReader | undefined;
  readonly #entriesAt: { from: number; to: number } | undefined;
  #list: RevokedEntry[] | undefined;
  #index: Map<string, RevokedEntry> | undefined;
  #id: string | undefined;

  constructor(bytes: Uint8Array) {
    if (bytes.length > MAX_CRL) throw malformed(`The list has ${bytes.length} bytes; ${MAX_CRL} is the most.`, MAX_CRL);
    const faults: string[] = [];
    const outer = new DerReader(bytes);
    const list = outer.enter('the revocation list');
    outer.finish('the revocation list');
    const tbsElement = list.next('the part that is signed', TAG.sequence);
    const tbs = list.inside(tbsElement);
    let version = 1;
    if (tbs.peek() === TAG.integer) {
      version = tbs.smallInteger('the version', 127) + 1;
      if (version !== 2) throw notSupported(`The revocation list has version ${version}; there are versions 1 and 2 (RFC 5280 §5.1.2.1).`);
    }
    const inner = readSignatureAlgorithm(tbs, 'the signature algorithm');
    this.issuer = readName(tbs, 'the issuer');
    if (this.issuer.rdns.length === 0) faults.push('It names no issuer (RFC 5280 §5.1.2.3).');
    const thisUpdate = readTime(tbs, 'this update');
    const isTime = tbs.peek() === UTC_TIME || tbs.peek() === GENERALIZED_TIME;
    const nextUpdate = isTime ? readTime(tbs, 'the next update') : undefined;
    this.thisUpdate = thisUpdate.date;
    this.nextUpdate = nextUpdate?.date;
    if ([thisUpdate, nextUpdate].some((time) => time?.form === 'generalized' && time.date.getUTCFullYear() < 2050)) this.#profileFaults.push('It writes a time before 2050 as GeneralizedTime (RFC 5280 §5.1.2.4).');
    if (!isTime) faults.push('It does not say when the next one comes (RFC 5280 §5.1.2.5).');
    const entries = tbs.optional('the revoked certificates', TAG.sequence);
    this.#entries = entries === undefined ? undefined : tbs;
    this.#entriesAt = entries;
    if (entries !== undefined && entries.from === entries.to) faults.push('Its list is empty and there, which it should not be (RFC 5280 §5.1.2.6).');
    const extensionsElement = tbs.optional('the extensions', contextTag(0));
    let extensions: Extension[] = [];
    if (extensionsElement !== undefined) {
      const inside = tbs.inside(extensionsElement);
      extensions = readExtensions(inside, 'the revocation list');
      inside.finish('the extensions');
      if (version === 1) faults.push('It has extensions and version 1 (RFC 5280 §5.1.2.1).');
    }
    tbs.finish('the part that is signed');
    this.signatureAlgorithm = readSignatureAlgorithm(list, 'the signature algorithm');
    this.signature = readSignature(list, 'the signature');
    list.finish('the revocation list');
    if (!Buffer.from(inner.der).equals(this.signatureAlgorithm.der)) faults.push('The signature algorithm within differs from the one without (RFC 5280 §5.1.1.2).');
    const seen = new Set<string>();
    for (const { oid, critical } of extensions) {
      if (critical && !CRITICAL_HERE.has(oid)) faults.push(`Its critical extension ${oid} is not known here (RFC 5280 §5.2).`);
      if (seen.has(oid)) faults.push(`The extension ${oid} is there twice (RFC 5280 §4.2).`);
      seen.add(oid);
    }
    const value = <T>(oid: string, read: (content: Uint8Array) => T): T | undefined => {
      const extension = extensions.find((one) => one.oid === oid);
      return extension === undefined ? undefined : within(`extension ${oid}`, () => read(extension.value));
    };
    this.der = bytes;
    this.tbs = whole(list, tbsElement);
    this.version = version;
    this.extensions = extensions;
    this.number = value(EXTENSION.crlNumber, integerValue);
    this.baseNumber = value(EXTENSION.deltaCrlIndicator, integerValue);
    this.point = value(EXTENSION.issuingDistributionPoint, issuingDistributionPoint);
    if (this.number !== undefined && this.number < 0n) faults.push('Its number is negative (RFC 5280 §5.2.3).');
    if (this.number === undefined) this.#profileFaults.push('It has no number (RFC 5280 §5.2.3).');
    else if (extensions.some(({ oid, critical }) => oid === EXTENSION.crlNumber && critical)) this.#profileFaults.push('Its number must not be critical (RFC 5280 §5.2.3).');
    this.faults = faults;
  }

  /** What breaks a rule for issuers without making it unclear what the list says. */
  get profileFaults(): readonly string[] {
    return (this.#allProfileFaults ??= [...this.#profileFaults, ...this.#entryFaults()]);
  }

  #entryFaults(): string[] {
    try {
      const serials = new Set(this.entries.map(({ serial, issuer }) => `${serial}\n${issuer ?? ''}`));
      return serials.size === this.entries.length ? [] : ['It names a certificate twice.'];
    } catch (thrown) {
      return [thrown instanceof Error ? thrown.message : 'Its entries cannot be read.'];
    }
  }

  /** Hex SHA-256 of the DER. */
  get id(): string {
    return (this.#id ??= createHash('sha256').update(this.der).digest('hex'));
  }

  get authorityKeyIdentifier(): AuthorityKeyIdentifier | undefined {
    const extension = this.extensions.find(({ oid }) => oid === EXTENSION.authorityKeyIdentifier);
    return extension === undefined ? undefined : authorityKeyIdentifier(extension.value);
  }

  /** @returns where deltas over this list are (RFC 5280 §5.2.6); none where it does not say so legibly. */
  get deltaPoints(): readonly DistributionPoint[] {
    const extension = this.extensions.find(({ oid }) => oid === EXTENSION.freshestCrl);
    try {
      return extension === undefined ? [] : distributionPoints(extension.value);
    } catch {
      return [];
    }
  }

  /** @throws INVALID_INPUT with the offset for an entry that is malformed, or has a critical extension that is not known */
  get entries(): readonly RevokedEntry[] {
    return (this.#list ??= this.#readEntries());
  }

  /** @returns what the list says of a certificate. @param issuer canonical name of its issuer */
  entryFor(serial: string, issuer: string): RevokedEntry | undefined {
    this.#index ??= new Map(this.entries.map((entry) => [`${entry.serial}\n${entry.issuer ?? this.issuer.canonical}`, entry]));
    return this.#index.get(`${serial}\n${issuer}`);
  }

  isSignedBy(key: PublicKeyInfo): boolean {
    return verifySigned(key, this.signatureAlgorithm, this.tbs, this.signature);
  }

  toPem(): string {
    return writePem('X509 CRL', this.der).toString('latin1');
  }

  #readEntries(): RevokedEntry[] {
    if (this.#entries === undefined || this.#entriesAt === undefined) return [];
    const reader = new DerReader(this.#entries.bytes, this.#entriesAt.from, this.#entriesAt.to);
    const entries: RevokedEntry[] = [];
    let issuer: string | undefined;
    while (!reader.atEnd) {
      const entry = reader.enter('an entry');
      const serial = serialHex(entry.octets('a serial number', TAG.integer));
      const { date: at } = readTime(entry, 'the time of a revocation');
      const extensions = entry.atEnd ? [] : readExtensions(entry, 'an entry');
      entry.finish('an entry');
      const of = (oid: string): Uint8Array | undefined => extensions.find((one) => one.oid === oid)?.value;
      const strange = extensions.find(({ oid, critical }) => critical && !CRITICAL_IN_ENTRIES.has(oid));
      if (strange !== undefined) throw malformed(`An entry has the critical extension ${strange.oid}, which is not known here (RFC 5280 §5.3).`, strange.offset);
      const [reason, since, issuers] = [of(EXTENSION.reasonCode), of(EXTENSION.invalidityDate), of(EXTENSION.certificateIssuer)];
      if (issuers !== undefined) issuer = generalNames(issuers).map((name) => (name.kind === 'dir' ? name.name.canonical : undefined)).find((name) => name !== undefined) ?? issuer;
      entries.push({ serial, at, reason: reason === undefined ? 0 : enumeratedValue(reason), invalidSince: since === undefined ? undefined : timeValue(since), issuer });
    }
    return entries;
  }
}

/** Reads the lists of a file: DER, or PEM with any number of them. @throws INVALID_INPUT, CAPABILITY_MISSING when it holds none */
export function readRevocationLists(content: Uint8Array): RevocationList[] {
  if (!looksLikePem(content.subarray(0, 1024 * 1024))) return [new RevocationList(content)];
  const found = parsePem(content).filter(({ label }) => label === 'X509 CRL');
  if (found.length === 0) throw notSupported('The file holds no certificate revocation list.', 'Give a list (X509 CRL), as PEM or DER.');
  return found.map(({ content: bytes, line }) => within(`line ${line}`, () => new RevocationList(bytes)));
}
