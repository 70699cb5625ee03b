import { KeywrightError, type fileOperations, type InputOf, type OutputOf, type SignatureFormatName } from '../../contract/index.ts';
import type { JudgedPath } from '../../certificates/index.ts';
import { fingerprint } from '../../formats/index.ts';
import { FileContent } from '../../signing/content.ts';
import type { SignatureVerdict } from '../../signing/format.ts';
import { readWhole } from '../../signing/raw.ts';
import { recogniseSignature } from '../../signing/recognise.ts';
import { formatsOf, SIGNATURE_FORMATS } from '../../signing/table.ts';
import { whyNot } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { eachFile } from '../files/batch.ts';
import { filesOf } from '../files/folders.ts';
import { fileOf } from '../files/places.ts';
import { pathOutput } from './certificate-judging.ts';
import { stampFile } from '../files/timestamping.ts';
import { optionsOf, progressOf, signFile, signTogether, writeManifest } from '../files/signing.ts';
import { discard } from '../files/spool.ts';
import { trustOf } from '../files/trust.ts';
import { fileEncryptionHandlers } from './file-encryption.ts';
import { fileConversionHandlers } from './file-conversion.ts';
import { fileInspectionHandlers } from './file-inspection.ts';
import { handlersOf } from './handlers.ts';

type VerifyInput = InputOf<typeof fileOperations.verify>;
type Verdict = OutputOf<typeof fileOperations.verify>;

const LONGEST_SIGNATURE = 4 * 1024 * 1024;

export const fileHandlers = handlersOf('files', {
  ...fileEncryptionHandlers,
  ...fileConversionHandlers,
  ...fileInspectionHandlers,

  async 'files.sign'(asked, context) {
    const options = await optionsOf(asked, context);
    const { files, skipped } = await filesOf(asked.files, asked.folders, 'outputs', context, asked.manifest?.path);
    const input = { ...asked, files: [...files] };
    if ('path' in input.out && input.files.length > 1 && input.together !== true) throw new KeywrightError('INVALID_INPUT', { detail: 'One output cannot take the signatures of several files.', where: '/out', remedy: 'Leave it out: each signature is written beside its file.' });
    const { done, failed } = input.together === true ? { done: await signTogether(options, input, context), failed: [] } : await eachFile(input.files, context, { together: context.key.hardware === null }, (file, index) => signFile(file, index, options, input, context));
    const manifest = input.manifest === undefined ? null : await writeManifest(input.manifest, done, options, input, context);
    return { files: done, failed, skipped, complete: failed.length === 0, manifest, key: context.key.uri };
  },

  async 'files.verify'(input, context) {
    const { path, name, upload } = await fileOf(input.file, context);
    const { signature, upload: signatureUpload } = await signatureOf(input.signature, context);
    const file = await FileContent.open(path, name, { signal: context.call.signal, progress: progressOf(context, name, 0, 1) });
    const format = input.format ?? recogniseSignature(signature ?? (await file.start()));
    const verdicts = await (await SIGNATURE_FORMATS[format].load()).verify(file, signature, await trustOf(input, SIGNATURE_FORMATS[format], context));
    for (const used of [upload, signatureUpload]) if (used !== null) await discard(context.services.spoolFolder, used);
    return answerOf(verdicts, format, file.bytes);
  },

  async 'files.timestamp'(input, context) {
    return stampFile(input, context);
  },

  async 'files.formats'(input, { session }) {
    const keys = input.key === undefined ? [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null) : [session.inventory.resolve(input.key)];
    return { rows: keys.flatMap((key) => {
      return formatsOf(key.algorithm, whyNot(key, 'sign')?.detail ?? null).map((row) => ({ key: key.uri, label: key.label, ...row, algorithms: [...row.algorithms], forms: [...row.forms] }));
    }) };
  },

  async 'files.upload'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is uploaded as the body of the request, which the face streams to the spool itself.');
  },

  async 'files.download'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is downloaded as the body of the answer, which the face streams from the spool itself.');
  },
});

async function signatureOf(signature: VerifyInput['signature'], context: Context): Promise<{ signature: Uint8Array | null; upload: string | null }> {
  if (signature === undefined) return { signature: null, upload: null };
  if ('bytes' in signature) return { signature: signature.bytes, upload: null };
  const { path, upload } = await fileOf(signature, context);
  return { signature: await readWhole(path, LONGEST_SIGNATURE, context.call.signal), upload };
}

function answerOf(verdicts: readonly SignatureVerdict[], format: SignatureFormatName, bytes: number): Verdict {
  const intact = verdicts.length > 0 && verdicts.every((one) => one.intact);
  const trusted = intact && verdicts.every((one) => one.trustedBy !== null);
  const signatures = verdicts.map(({ intact: fits, trustedBy, time, algorithm, path, problem, notes, coverage, ...one }) => ({
    intact: fits, signer: signerOf(one), trustedBy, time: time === null ? null : { ...time, path: toldPath(time.path) }, algorithm, path: toldPath(path), problem, notes: [...notes],
    coverage: coverage === undefined ? null : { ...coverage, changes: [...coverage.changes] },
  }));
  return { intact, trusted, verdict: sentenceOf(verdicts, intact, trusted), signer: signatures[0]?.signer ?? null, algorithm: signatures[0]?.algorithm ?? null, format, bytes, signatures };
}

const toldPath = (path: JudgedPath | undefined): Verdict['signatures'][number]['path'] => (path === undefined ? null : pathOutput(path));

function signerOf({ spki, known, name }: Pick<SignatureVerdict, 'spki' | 'known' | 'name'>): Verdict['signer'] {
  return spki === null ? null : { key: known?.uri ?? null, label: known?.label ?? null, name, fingerprint: fingerprint(spki), version: known?.version ?? null };
}

function sentenceOf(verdicts: readonly SignatureVerdict[], intact: boolean, trusted: boolean): string {
  const bad = verdicts.find((one) => !one.intact) ?? verdicts.find((one) => one.trustedBy === null);
  const several = verdicts.length > 1 ? `One of ${verdicts.length} signatures: ` : '';
  if (!intact) return `${several}${bad?.problem ?? 'The signature does not fit.'}`;
  if (!trusted && bad?.coverage?.changes.includes('annotation') === true) return `${several}The file holds what was signed, but not that alone. ${bad.problem}`;
  if (!trusted) return `${several}The file is as it was signed, but the signer is not trusted. ${bad?.problem ?? 'Nothing that you trust says whose key it is.'}`;
  return `The file is as it was signed ${verdicts.map(whom).join(', and ')}.`;
}

function whom({ trustedBy, known, name }: SignatureVerdict): string {
  switch (trustedBy?.source) {
    case 'held-key': return `by “${known?.label ?? trustedBy.name}”, a key held here`;
    case 'named-key': return known?.uri === null || known === null ? 'by the key that you named' : `by “${known.label ?? trustedBy.name}”, the key that you named`;
    case 'allowed-signers': return `by ${name ?? 'somebody'}, whom the list of allowed signers names`;
    default: return trustedBy?.name === name ? `by ${name}, whose own certificate is trusted` : `by ${name ?? 'somebody'}, whom ${trustedBy?.name ?? 'nobody'} vouches for`;
  }
}
