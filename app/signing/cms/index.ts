import { contextTag, der, derSequence } from '../../formats/der.ts';
import { malformedAt } from '../../formats/malformed.ts';
import type { FileContent } from '../content.ts';
import { type FormatModule, type Made, notIntact, type SigningKey, type SignOptions } from '../format.ts';
import { certificateFor } from '../certificate-for.ts';
import { base64Lines, openEncoding } from './encodings.ts';
import { CMS, digestFor } from './identifiers.ts';
import { type CmsSigner, readSignedData, type SignedData } from './read.ts';
import { judgeSignedData } from './judge.ts';
import { digestOf, type Signed } from './verify.ts';
import { attribute, type MadeSigner, makeSigner, signedData, signerInfo } from './write.ts';

/**
 * CMS (RFC 5652) as CAdES-BES (ETSI EN 319 122-1): detached or with the file inside, the certificate and its chain included.
 * Given an existing signature, a signer is added to it, or signs the signatures that are there.
 */
const MAX_WHOLE = 256 * 1024 * 1024;

export const cms: FormatModule = {
  async sign(file, key, options) {
    const existing = options.existing === undefined ? undefined : openExisting(options.existing);
    if (options.counter === true) return counterSign(existing, key, options);
    const { form = 'der' } = options;
    if (form === 'smime' && options.detached === true) throw malformedAt('/detached', 'An S/MIME message holds the file.', 'Leave out detached, or write it as DER or PEM.');
    const attached = form === 'smime' || options.detached === false;
    if (existing?.content !== null && existing !== undefined && !(await file.holds(existing.content))) throw malformedAt('/signature', 'The existing signature is of another file.', 'Sign the file that it is of.');
    const { certificate, chain } = await certificateFor(key);
    const { algorithm } = options;
    const signer = await makeSigner({ key, certificate, algorithm, digest: await file.digest(digestFor(algorithm)), contentType: existing?.contentType ?? CMS.data, signingTime: new Date() });
    const stamped = await stamps(signer, options);
    const parts = partsOf(existing, [signer.digestIdentifier], [certificate, ...chain].map((one) => one.der), [...(existing?.signers ?? []).map(asElement), signerInfo(signer, stamped)]);
    return encode(parts, attached ? file : undefined, form);
  },

  async verify(file, signature, trust) {
    const { cms: bytes, content: beside, outside } = openEncoding(signature ?? (await file.whole(MAX_WHOLE)));
    const data = readSignedData(bytes);
    const inside = data.content ?? beside;
    if (signature !== null && inside !== null && !(await file.holds(inside))) return [notIntact('The signature holds another file than this one.')];
    if (data.signers.length === 0) return [notIntact('Nobody signed it: there are certificates alone.')];
    if (signature === null && inside === null) throw malformedAt('/signature', 'The signature is detached: the file that was signed is not in it.', 'Name the file, and the signature’s file beside it.');
    const signed: Signed = signature !== null ? { digest: (name) => file.digest(name), whole: () => file.whole() } : { digest: async (name) => digestOf(name, inside as Uint8Array), whole: async () => inside as Uint8Array };
    const verdicts = await judgeSignedData(data, signed, trust);
    // Beside a file of its own, nobody takes them for it.
    return signature !== null || outside === null ? verdicts : verdicts.map((verdict) => ({ ...verdict, notes: [...verdict.notes, OUTSIDE[outside]] }));
  },
};

const OUTSIDE = { text: 'There is text around the signed part, which is not covered.', headers: 'The headers of the mail, such as From and Subject, are not signed.' } as const;

export async function stamps({ signature }: Pick<MadeSigner, 'signature'>, { timestamp }: Pick<SignOptions, 'timestamp'>): Promise<Uint8Array[]> {
  return timestamp === undefined ? [] : [attribute(CMS.timeStampToken, await timestamp({ hash: 'sha256', digest: digestOf('sha256', signature) }))];
}

async function counterSign(existing: SignedData | undefined, key: SigningKey, options: SignOptions): Promise<Made> {
  if (existing === undefined) throw malformedAt('/signature', 'A counter-signature needs a signature to sign.', 'Name it with --signature.');
  const { certificate, chain } = await certificateFor(key);
  const { algorithm } = options;
  const digests: Uint8Array[] = [];
  const infos: Uint8Array[] = [];
  for (const one of existing.signers) {
    const counter = await makeSigner({ key, certificate, algorithm, digest: digestOf(digestFor(algorithm), one.signature), contentType: null, signingTime: new Date() });
    digests.push(counter.digestIdentifier);
    infos.push(derSequence(one.body, der(contextTag(1), ...[...one.unsignedElements, attribute(CMS.counterSignature, signerInfo(counter, await stamps(counter, options)))].sort(Buffer.compare))));
  }
  return encode(partsOf(existing, digests, [certificate, ...chain].map((added) => added.der), infos), existing.content ?? undefined, options.form ?? 'der');
}

function partsOf(existing: SignedData | undefined, digests: readonly Uint8Array[], certificates: readonly Uint8Array[], signerInfos: readonly Uint8Array[]): Parameters<typeof signedData>[0] {
  return {
    digestIdentifiers: [...(existing?.digestIdentifiers ?? []), ...digests], certificates: [...(existing?.certificateElements ?? []), ...certificates], signerInfos,
    contentType: existing?.contentType ?? CMS.data, ...(existing?.crls === undefined || existing.crls === null ? {} : { crls: existing.crls }),
  };
}

function asElement({ body, unsignedElements }: CmsSigner): Buffer {
  return derSequence(body, ...(unsignedElements.length === 0 ? [] : [der(contextTag(1), ...unsignedElements)]));
}

function openExisting(bytes: Uint8Array): SignedData {
  const { cms: found, content } = openEncoding(bytes);
  const data = readSignedData(found);
  return { ...data, content: data.content ?? content };
}

function encode(parts: Parameters<typeof signedData>[0], content: FileContent | Uint8Array | undefined, form: string): Made | Promise<Made> {
  const { before, after } = signedData(parts, content === undefined ? undefined : content instanceof Uint8Array ? content.length : content.bytes);
  const body = async (take: (piece: Uint8Array) => Promise<void>): Promise<void> => {
    await take(before);
    if (content instanceof Uint8Array) await take(content);
    else await content?.each(take);
    await take(after);
  };
  if (form === 'der') return content === undefined ? { bytes: Buffer.concat([before, after]) } : { write: body };
  const [start, end] = form === 'pem' ? ['-----BEGIN CMS-----\n', '-----END CMS-----\n'] : ['MIME-Version: 1.0\nContent-Disposition: attachment; filename="smime.p7m"\nContent-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"\nContent-Transfer-Encoding: base64\n\n', '\n'];
  const write = async (take: (piece: Uint8Array) => Promise<void>): Promise<void> => {
    await take(Buffer.from(start));
    const lines = base64Lines(take);
    await body((piece) => lines.next(piece));
    await lines.end();
    await take(Buffer.from(end));
  };
  return content === undefined ? collected(write) : { write };
}

/** What is small anyway is made at once, so that it can be answered as well as written. */
async function collected(write: (take: (piece: Uint8Array) => Promise<void>) => Promise<void>): Promise<Made> {
  const pieces: Uint8Array[] = [];
  await write(async (piece) => { pieces.push(piece); });
  return { bytes: Buffer.concat(pieces) };
}
