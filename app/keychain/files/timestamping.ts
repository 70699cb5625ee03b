import type { fileOperations, InputOf, OutputOf } from '../../contract/index.ts';
import { FileContent } from '../../signing/content.ts';
import { askForTimestamp } from '../../signing/timestamp/ask.ts';
import { readTimestampToken, timestampResponse } from '../../signing/timestamp/token.ts';
import { certificateOf } from '../../signing/cms/verify.ts';
import type { Context } from '../context.ts';
import { fileOf } from './places.ts';
import { deliver, progressOf } from './signing.ts';
import { discard } from './spool.ts';

/** Has an authority stamp a file, and puts the answer where the call says. */
export async function stampFile(input: InputOf<typeof fileOperations.timestamp>, context: Context): Promise<OutputOf<typeof fileOperations.timestamp>> {
  const { path, name, upload } = await fileOf(input.file, context);
  const { signal } = context.call;
  const file = await FileContent.open(path, name, { signal, progress: progressOf(context, name, 0, 1) });
  const token = await askForTimestamp(input.authority, { hash: input.hash, digest: await file.digest(input.hash) }, signal);
  const { info, data } = readTimestampToken(token);
  const response = timestampResponse(token);
  const written = await deliver({ bytes: response }, path, name, (beside) => `${beside}.tsr`, input, context);
  if (upload !== null) await discard(context.services.spoolFolder, upload);
  return { response, at: info.at.toISOString(), serial: info.serial, policy: info.policy, by: certificateOf(data.signers[0]!, data.certificates)?.subject.text ?? null, written };
}
