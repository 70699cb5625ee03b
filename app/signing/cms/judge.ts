import type { Beside } from '../../certificates/index.ts';
import type { SignatureVerdict, Trust } from '../format.ts';
import { judgeTimestamps } from '../timestamp/verify.ts';
import { evidenceOf } from './evidence.ts';
import type { SignedData } from './read.ts';
import { judgeCounterSignatures, judgeSigner, type Signed } from './verify.ts';

/** Judges all signers of SignedData, at the times that their timestamps tell, and who signed their signatures. @param more evidence that came beside it. @returns a verdict a signature, those of signers each followed by those over them. */
export async function judgeSignedData(data: SignedData, signed: Signed, trust: Trust, more?: Beside): Promise<SignatureVerdict[]> {
  const verdicts: SignatureVerdict[] = [];
  for (const signer of data.signers) {
    const beside = evidenceOf(data, signer, more);
    const stamp = await judgeTimestamps(signer, beside, trust);
    const verdict = await judgeSigner(signer, signed, { ...beside, contentType: data.contentType, ...(stamp.at === undefined ? {} : { at: stamp.at }) }, trust);
    verdicts.push(stamp.apply(verdict), ...(await judgeCounterSignatures(signer, beside, trust)));
  }
  return verdicts;
}
