import { contextTag, der, derInteger, DerReader, derSequence, TAG, toBigInt } from '../../formats/der.ts';
import { derBoolean, GENERALIZED_TIME } from '../../certificates/reading/asn1.ts';
import { malformed } from '../../formats/malformed.ts';
import { whole } from '../../certificates/reading/asn1.ts';
import { berToDer } from '../../formats/ber.ts';
import { CMS, digestIdentifier, DIGESTS, type DigestName } from '../cms/identifiers.ts';
import { readSignedData, type SignedData } from '../cms/read.ts';

/** The messages of RFC 3161: the request (§2.4.1), the answer (§2.4.2), and what a token says. */

export interface Imprint {
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly digest: Uint8Array;
}

/** @param nonce a number that only this request has, so that an old answer is not taken for its own. @returns TimeStampReq, DER; the authority's certificate is asked for. */
export function timestampRequest({ hash, digest }: Imprint, nonce: bigint): Buffer {
  return derSequence(derInteger(1n), derSequence(digestIdentifier(hash), der(TAG.octetString, digest)), derInteger(nonce), derBoolean(true));
}

/** What a token says. */
interface TimestampInfo {
  readonly policy: string;
  readonly hash: DigestName | null;
  readonly digest: Uint8Array;
  readonly serial: string;
  readonly at: Date;
  readonly nonce: bigint | null;
}

export interface TimestampToken {
  readonly info: TimestampInfo;
  /** TSTInfo, DER: what the authority signed. */
  readonly content: Uint8Array;
  readonly data: SignedData;
}

interface TimestampResponse {
  /** PKIStatus: 0 granted, 1 granted with changes. */
  readonly status: number;
  /** What the authority says of it. */
  readonly text: string;
  /** The token, a CMS structure. */
  readonly token: Uint8Array | null;
}

/** PKIFailureInfo (§2.4.2), by its bits. */
const FAILURES: Readonly<Record<number, string>> = {
  0: 'it does not know the digest', 2: 'it does not allow the request', 5: 'the request is not of a form that it reads', 14: 'it has no time at the moment', 15: 'it does not have the policy',
  16: 'it does not know an extension', 17: 'it has not what was asked for besides', 25: 'a failure of its system',
};
const STATUS = ['granted', 'granted with changes', 'rejected', 'waiting', 'a warning of revocation', 'revoked'];

/** @throws INVALID_INPUT */
export function readTimestampResponse(bytes: Uint8Array): TimestampResponse {
  const outer = new DerReader(berToDer(bytes));
  const response = outer.enter('the timestamp’s answer');
  const info = response.enter('the status');
  const status = info.smallInteger('the status', 100);
  const texts: string[] = [];
  const free = info.optional('the status in words', TAG.sequence);
  if (free !== undefined) for (const inside = info.inside(free); !inside.atEnd && texts.length < 20;) texts.push(Buffer.from(inside.octets('the status in words', TAG.utf8String)).toString('utf8'));
  const failure = info.optional('why it failed', TAG.bitString);
  if (failure !== undefined) texts.push(...failuresIn(info.content(failure)));
  const token = response.atEnd ? null : whole(response, response.next('the token', TAG.sequence));
  return { status, text: [STATUS[status] ?? `status ${status}`, ...texts].join(': '), token };
}

function failuresIn([, ...bytes]: Uint8Array): string[] {
  return Object.entries(FAILURES).flatMap(([bit, words]) => (((bytes[Number(bit) >> 3] ?? 0) & (0x80 >> (Number(bit) & 7))) === 0 ? [] : [words]));
}

/** @returns TimeStampResp, DER, around a token that was granted: what `openssl ts -verify` takes. */
export function timestampResponse(token: Uint8Array): Buffer {
  return derSequence(derSequence(derInteger(0n)), token);
}

/** Whether the bytes are an answer and no token: an answer begins with a SEQUENCE of a number. */
export function isTimestampResponse(bytes: Uint8Array): boolean {
  try {
    const response = new DerReader(bytes).enter('');
    return response.peek() === TAG.sequence && response.enter('').peek() === TAG.integer;
  } catch {
    return false;
  }
}

/** @throws INVALID_INPUT, also for CMS that is no timestamp */
export function readTimestampToken(bytes: Uint8Array): TimestampToken {
  const data = readSignedData(bytes);
  if (data.contentType !== CMS.timeStampInfo || data.content === null) throw malformed('This is signed data, but no timestamp.', 0);
  if (data.signers.length !== 1) throw malformed(`A timestamp has one signer, and this one ${data.signers.length} (RFC 3161 §2.4.2).`);
  return { info: readInfo(data.content), content: data.content, data };
}

function readInfo(content: Uint8Array): TimestampInfo {
  const outer = new DerReader(content);
  const info = outer.enter('the timestamp');
  outer.finish('the timestamp');
  if (info.smallInteger('the version', 10) !== 1) throw malformed('The timestamp is of a version that is not known.');
  const policy = info.oid('the policy');
  const imprint = info.enter('the imprint');
  const oid = imprint.enter('the imprint’s digest').oid('the imprint’s digest');
  const digest = imprint.octets('the imprint');
  imprint.finish('the imprint');
  const serial = Buffer.from(info.octets('the serial number', TAG.integer)).toString('hex');
  const at = timeOf(info.octets('the time', GENERALIZED_TIME));
  info.optional('the accuracy', TAG.sequence);
  info.optional('the ordering', TAG.boolean);
  const nonce = info.optional('the nonce', TAG.integer);
  info.optional('the authority’s name', contextTag(0));
  info.optional('the extensions', contextTag(1));
  info.finish('the timestamp');
  return { policy, hash: Object.hasOwn(DIGESTS, oid) ? DIGESTS[oid as keyof typeof DIGESTS] : null, digest, serial, at, nonce: nonce === undefined ? null : toBigInt(info.content(nonce)) };
}

/** GeneralizedTime with seconds, in UTC; RFC 3161 §2.4.2 allows a fraction. */
function timeOf(content: Uint8Array): Date {
  const [, year, month, day, hour, minute, second, fraction = ''] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(Buffer.from(content).toString('latin1')) ?? [];
  const date = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}${fraction.slice(0, 4)}Z`);
  // Date reads 31 February as 2 March.
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(day)) throw malformed('The timestamp’s time is none that a calendar has.');
  return date;
}

