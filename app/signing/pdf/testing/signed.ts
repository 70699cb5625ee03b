import { createHash } from 'node:crypto';
import type { Certificate } from '../../../certificates/index.ts';
import { CMS } from '../../cms/identifiers.ts';
import { makeSigner, signedData, signerInfo } from '../../cms/write.ts';
import { certifiedKey, certify } from '../../testing/certificates.ts';
import { addVersion, buildPdf, FORM, type Layout, objectsOf } from './documents.ts';

/** Documents that are signed by hand, so that a signature can be right in itself and say something odd all the same. */

export const KEY = 'ec-p256';
const ROOM = 1500;
const ZEROS = '0'.repeat(2 * ROOM);
const PLACE = `<${ZEROS}>`;
const RANGE = ' '.repeat(60);

let known: Promise<Certificate> | undefined;
export function signer(): Promise<Certificate> {
  known ??= certify(KEY, 'CN=Ada Example');
  return known;
}

export interface ByHand {
  /** Objects in place of those of the form, or beside them; 20 is the signature, 8 its field. */
  readonly objects?: Readonly<Record<number, string>>;
  /** Further entries of the signature dictionary. */
  readonly entries?: string;
  readonly subFilter?: string;
  readonly layout?: Layout;
  /** The bytes that it says it covers, which are signed. */
  range?(from: number, to: number, length: number): readonly number[];
  /** How the ranges are written; as numbers by default. */
  written?(range: readonly number[]): string;
  /** The signature's place in the dictionary, delimiters included. */
  place?(place: string): string;
  /** Bytes in place of the CMS structure. */
  contents?(covered: Buffer): Promise<Buffer>;
}

export const signatureDictionary = ({ entries = '', subFilter = '/ETSI.CAdES.detached', place = (text) => text }: ByHand): string =>
  `<</Type /Sig /Filter /Adobe.PPKLite /SubFilter ${subFilter} ${entries} /ByteRange [${RANGE}] /Contents ${place(PLACE)} >>`;

/** @returns a document whose field “approval” was signed in its first version. */
export async function signedByHand(how: ByHand = {}): Promise<Buffer> {
  return fillIn(buildPdf(objectsOf({
    ...FORM, 6: '<</Fields [7 0 R 8 0 R] /SigFlags 3 /DR <</Font <</Helv 5 0 R>>>> /DA (/Helv 12 Tf)>>',
    8: '<</Type /Annot /Subtype /Widget /FT /Sig /T (approval) /V 20 0 R /Rect [72 500 300 560] /P 3 0 R /F 4>>', 20: signatureDictionary(how), ...how.objects,
  }), how.layout ?? 'table'), how);
}

/** @returns the document with another version, in which a signature (object `number`) was added by hand. */
export async function signAgainByHand(document: Buffer, objects: Readonly<Record<number, string>>, how: ByHand = {}): Promise<Buffer> {
  return fillIn(addVersion(document, objects, { layout: how.layout ?? 'table' }), how);
}

/** Signs what the ranges say, and puts the signature where the place for it is. */
async function fillIn(document: Buffer, how: ByHand): Promise<Buffer> {
  const bytes = Buffer.from(document);
  const zeros = bytes.indexOf(ZEROS, 0, 'latin1');
  const [from, to] = [bytes.lastIndexOf('<', zeros, 'latin1'), bytes.indexOf('>', zeros, 'latin1') + 1];
  const at = bytes.lastIndexOf(RANGE, from, 'latin1');
  const range = how.range?.(from, to, bytes.length) ?? [0, from, to, bytes.length - to];
  bytes.write((how.written?.(range) ?? range.join(' ')).padEnd(RANGE.length), at, 'latin1');
  const pieces = range.flatMap((start, index) => (index % 2 === 0 ? [bytes.subarray(start, start + (range[index + 1] ?? 0))] : []));
  const covered = Buffer.concat(pieces);
  bytes.write((await (how.contents ?? cmsOf)(covered)).toString('hex'), zeros, 'latin1');
  return bytes;
}

export async function cmsOf(covered: Uint8Array, hash = 'sha256'): Promise<Buffer> {
  const certificate = await signer();
  const key = await certifiedKey(KEY, certificate);
  const made = await makeSigner({ key, certificate, algorithm: 'ecdsa-sha256', digest: createHash(hash).update(covered).digest(), contentType: CMS.data });
  const { before, after } = signedData({ digestIdentifiers: [made.digestIdentifier], certificates: [certificate.der], signerInfos: [signerInfo(made)] });
  return Buffer.concat([before, after]);
}

export const certified = (level: number): string => `/Reference [<</Type /SigRef /TransformMethod /DocMDP /TransformParams <</Type /TransformParams /V /1.2 /P ${level}>>>>]`;
export const locking = (fields: string): string => `/Reference [<</Type /SigRef /TransformMethod /FieldMDP /TransformParams <</Type /TransformParams /V /1.2 ${fields}>>>>]`;
