import { type Beside, type Certificate, judgeCertificate, type VerifyPurpose } from '../certificates/index.ts';
import { algorithmOfSpki } from '../formats/index.ts';
import { fingerprint } from '../formats/spki.ts';
import { intactBy, type KnownKey, type SignatureVerdict, type Trust } from './format.ts';
import { type Attempt, knownKey, tryKey, tryKeys } from './try-keys.ts';

/**
 * Says whether the signer of an intact signature is to be trusted, in every format that names signers by certificates.
 *
 * A key that the caller named, or that is held here, is its owner's word, whatever its certificate says. Otherwise a path from the certificate to somebody
 * whom the caller trusts must hold (RFC 5280 §6) at the time that counts; it stands in the verdict either way.
 * @param verdict intact, `known` being the signer's key if it is a key that counts.
 * @param beside what came with the signature. `at`: a trusted timestamp's time, which counts instead of the caller's. `purpose`: what the certificate must be for, where that is not the caller's to choose.
 */
export function vouched(verdict: SignatureVerdict, certificate: Certificate, beside: Beside & { readonly at?: Date; readonly purpose?: VerifyPurpose }, trust: Trust): SignatureVerdict {
  const { known } = verdict;
  if (known !== null && known.distrust !== null) return { ...verdict, trustedBy: null, problem: known.distrust };
  if (trust.named) return known === null ? { ...verdict, problem: 'The signature was made by another key than the one that you named.' } : verdict;
  if (trust.certificates === undefined) return known === null ? { ...verdict, trustedBy: null, problem: 'Nobody whom you trust vouches for the certificate.' } : verdict;
  const { trusted, path, verdict: sentence } = judgeCertificate(certificate, beside, trust.certificates, beside.at ?? trust.at, beside.purpose);
  const reason = sentence.replace(/^Not trusted: /, '');
  const judged = { ...verdict, ...(path === undefined ? {} : { path }) };
  const anchor = path?.certificates.at(-1)?.certificate;
  if (trusted && anchor !== undefined) return { ...judged, name: certificate.subject.text, problem: null, trustedBy: { source: trust.rootsNamed === true ? 'root' : 'certificate', name: anchor.subject.text } };
  // A key held here is its owner's word; but roots that were named are to count alone.
  if (known !== null && trust.rootsNamed !== true) return { ...judged, notes: [...verdict.notes, reason] };
  return { ...judged, trustedBy: null, problem: reason };
}

/**
 * For formats that may hold the signer's certificate: it is tried first, and who vouches for it is asked; else each key that counts.
 * @param chain the signer's certificate, and those that came with it
 */
export async function tryCertified(attempt: Attempt, [certificate, ...certificates]: readonly Certificate[], trust: Trust): Promise<SignatureVerdict> {
  if (certificate === undefined) return tryKeys(attempt, trust);
  const { spki } = certificate;
  const key: KnownKey = { uri: null, label: null, version: null, algorithm: algorithmOfSpki(spki), fingerprint: fingerprint(spki), source: 'named', distrust: null, spki: async () => spki };
  const verdict = await tryKey(attempt, key, trust);
  if (verdict === undefined) return tryKeys(attempt, trust);
  const { algorithm } = verdict;
  return vouched(intactBy(spki, algorithm!, knownKey(spki, trust)), certificate, { certificates }, trust);
}
