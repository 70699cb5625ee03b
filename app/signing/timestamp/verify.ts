import type { Beside } from '../../certificates/index.ts';
import { evidenceOf } from '../cms/evidence.ts';
import { openEncoding } from '../cms/encodings.ts';
import { CMS, type DigestName } from '../cms/identifiers.ts';
import type { CmsSigner } from '../cms/read.ts';
import { certificateOf, digestOf, judgeSigner } from '../cms/verify.ts';
import { type FormatModule, notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { malformed } from '../../formats/malformed.ts';
import { isTimestampResponse, readTimestampResponse, readTimestampToken, type TimestampToken } from './token.ts';

/** Checks timestamps (RFC 3161 §2.4.2, §2.3): that they are of this file or signature, and by an authority that may make them. */

/** @param imprinted digest of what the timestamp should be of. @returns a verdict whose time is the timestamp's. */
export async function judgeToken({ info, content, data }: TimestampToken, imprinted: (name: DigestName) => Promise<Uint8Array>, trust: Trust, more: Beside = { certificates: [] }): Promise<SignatureVerdict> {
  if (info.hash === null) return notIntact('The timestamp names a digest that Keywright does not know.');
  if (info.hash === 'md5' || info.hash === 'sha1') return notIntact(`The timestamp is of a digest by ${info.hash.toUpperCase()}, of which another file may have the same.`);
  if (!Buffer.from(info.digest).equals(await imprinted(info.hash))) return notIntact('The timestamp is of something else.');
  const [signer] = data.signers as [CmsSigner];
  const beside = evidenceOf(data, signer, more);
  const by = certificateOf(signer, [...beside.certificates, ...(trust.certificates?.between ?? []), ...(trust.certificates?.anchors ?? [])])?.subject.text ?? null;
  // Keys held here are no authorities of time by that alone: a path must say so, and the certificate must have been valid then.
  const { path, ...verdict } = await judgeSigner(signer, { digest: async (name) => digestOf(name, content), whole: async () => content }, { ...beside, contentType: CMS.timeStampInfo, at: info.at, purpose: 'timestamp' }, { ...trust, keys: [], named: false });
  return { ...verdict, time: { at: info.at.toISOString(), according: 'timestamp', by, ...(path === undefined ? {} : { path }) }, notes: [`Timestamp ${info.serial} by ${by ?? 'an authority'} under the policy ${info.policy}.`] };
}

/** Timestamps of a signature, in its unsigned attributes. */
export interface Stamped {
  /** When the signature was there already, according to an authority that is trusted. */
  readonly at?: Date;
  apply(verdict: SignatureVerdict): SignatureVerdict;
}

/** @returns when a signature was there at the latest, by the timestamps in its unsigned attributes (RFC 3161, RFC 5816) whose authority is trusted. */
export async function judgeTimestamps({ unsigned, signature }: CmsSigner, beside: Beside, trust: Trust): Promise<Stamped> {
  const values = unsigned.filter(({ oid }) => oid === CMS.timeStampToken).flatMap((one) => one.values);
  const [value] = values;
  return value === undefined ? { apply: (verdict) => verdict } : stampedBy(value, signature, beside, trust);
}

/** @param token a timestamp that a signature carries. @param stamped the bytes that it should be of. */
export async function stampedBy(token: Uint8Array, stamped: Uint8Array, beside: Beside, trust: Trust): Promise<Stamped> {
  const stamp = await judgeToken(readTimestampToken(token), async (name) => digestOf(name, stamped), trust, beside);
  if (!stamp.intact) {
    const told = `Its timestamp does not hold: ${stamp.problem}`;
    return { apply: (verdict) => ({ ...verdict, trustedBy: null, problem: verdict.problem ?? told, notes: verdict.problem === null ? verdict.notes : [...verdict.notes, told] }) };
  }
  const notes = [...stamp.notes, ...(stamp.trustedBy === null ? [`The authority is not trusted, so that the time is not certain: ${stamp.problem}`] : [])];
  return {
    ...(stamp.trustedBy === null ? {} : { at: new Date(stamp.time!.at) }),
    apply: (verdict) => ({ ...verdict, time: stamp.trustedBy === null ? verdict.time : stamp.time, notes: [...verdict.notes, ...notes] }),
  };
}

/** A timestamp of a file, in a file of its own: the answer of an authority, or the token alone. */
export const timestamp: FormatModule = {
  async sign() {
    throw malformed('A timestamp is made by an authority, and not by a key.', undefined, 'Use `keywright files timestamp`.');
  },
  async verify(file, signature, trust) {
    if (signature === null) throw malformed('A timestamp is a file of its own.', undefined, 'Name it beside the file that it is of.');
    return [await judgeToken(readTimestampToken(tokenIn(signature)), (name) => file.digest(name), trust)];
  },
};

/** @returns the token in an answer, or as it stands. @throws INVALID_INPUT for an answer that grants none */
function tokenIn(bytes: Uint8Array): Uint8Array {
  const { cms } = openEncoding(bytes);
  if (!isTimestampResponse(cms)) return cms;
  const { status, text, token } = readTimestampResponse(cms);
  if (status > 1 || token === null) throw malformed(`The authority gave no timestamp: ${text}`);
  return token;
}
