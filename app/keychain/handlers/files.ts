import { fileOperations, KeywrightError } from '../../contract/index.ts';
import { signClaims } from '../../signing/jws.ts';
import { claimsFrom } from '../../signing/jwt-claims.ts';
import { MANY, SmallFiles } from '../../signing/small-files/index.ts';
import { formatOf, formatsOf } from '../../signing/table.ts';
import { whyNot } from '../capabilities.ts';
import { eachFile } from '../files/batch.ts';
import { filesOf } from '../files/folders.ts';
import { stampFile } from '../files/timestamping.ts';
import { bytesOf } from '../files/places.ts';
import { keyFor, optionsOf, signFile, signTogether, writeManifest } from '../files/signing.ts';
import { verifyFiles } from '../files/verifying.ts';
import { fileEncryptionHandlers } from './file-encryption.ts';
import { fileConversionHandlers } from './file-conversion.ts';
import { fileInspectionHandlers } from './file-inspection.ts';
import { refOf } from './key-records.ts';
import { handlersOf } from './handlers.ts';

/** As many bytes as a PDF that is signed may have. */
const LARGEST_PDF = 256 * 2 ** 20;

export const fileHandlers = handlersOf('files', {
  ...fileEncryptionHandlers,
  ...fileConversionHandlers,
  ...fileInspectionHandlers,

  async 'files.sign'(asked, context) {
    const options = await optionsOf(asked, context);
    await using small = new SmallFiles();
    const { files, skipped } = await filesOf(asked.files, asked.folders, 'outputs', context, { manifest: asked.manifest?.path, small });
    const input = { ...asked, files: [...files] };
    if ('path' in input.out && input.files.length > 1 && input.together !== true) throw new KeywrightError('INVALID_INPUT', { detail: 'One output cannot take the signatures of several files.', where: '/out', remedy: 'Leave it out: each signature is written beside its file.' });
    const inToken = context.key.hardware !== null;
    // A token signs one after another, and takes far longer than a file does: there is nothing to be done together.
    const many = inToken || input.files.length < MANY ? undefined : small;
    const { done, failed } = input.together === true ? { done: await signTogether(options, input, context), failed: [] } : await eachFile(input.files, context, { together: !inToken, small: many !== undefined }, (file, index) => signFile(file, index, options, input, context, many));
    const manifest = input.manifest === undefined ? null : await writeManifest(input.manifest, done, options, input, context);
    return { files: done, failed, skipped, complete: failed.length === 0, manifest, key: context.key.uri };
  },

  async 'files.verify'(input, context) {
    return verifyFiles(input, context);
  },

  async 'files.timestamp'(input, context) {
    return stampFile(input, context);
  },

  async 'files.formats'(input, { session }) {
    const keys = input.key === undefined ? [...session.inventory.all()].filter(({ trashedUntil }) => trashedUntil === null) : [session.inventory.resolve(input.key)];
    const rows = keys.flatMap((key) => {
      const unable = whyNot(key, 'sign');
      const judged = input.format === undefined ? formatsOf(key.algorithm, unable) : [formatOf(input.format, key.algorithm, unable)];
      return judged.map((row) => ({ key: key.uri, label: key.label, keyAlgorithm: key.algorithm, ...row, algorithms: [...row.algorithms], forms: [...row.forms] }));
    });
    if (input.format !== undefined) rows.sort((a, b) => Number(b.available) - Number(a.available) || a.label.localeCompare(b.label));
    return { rows: rows.slice(0, input.limit), total: rows.length };
  },

  async 'files.jwt'(input, context) {
    const { algorithm } = await optionsOf(fileOperations.sign.input.parse({ files: [{ path: 'claims' }], key: input.key, format: 'jwt', ...(input.algorithm !== undefined && { algorithm: input.algorithm }) }), context);
    const claims = claimsFrom(input, Date.now());
    const { key } = await keyFor(context, 'the token', () => ({ purpose: 'sign a token' }), input.certificate);
    const token = await signClaims(claims, key, { algorithm, payloadType: input.type, ...(input.certificate !== undefined && { certificate: input.certificate }) });
    const { exp } = claims;
    return { token, claims: { ...claims }, expiresAt: typeof exp === 'number' ? new Date(exp * 1000).toISOString() : null, algorithm, key: context.key.uri, version: refOf(context.key).version };
  },

  async 'files.pages'({ file }, context) {
    const content = await bytesOf(undefined, file, 'file', LARGEST_PDF, context);
    return (await import('../../signing/pdf/pages.ts')).describePages(content);
  },

  async 'files.upload'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is uploaded as the body of the request, which the face streams to the spool itself.');
  },

  async 'files.download'() {
    throw new KeywrightError('INVALID_INPUT', 'A file is downloaded as the body of the answer, which the face streams from the spool itself.');
  },
});
