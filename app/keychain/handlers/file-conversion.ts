import { askToConfirm, FACE_FACTS, KeywrightError, SecretBytes, type fileOperations, type InputOf, type OutputOf } from '../../contract/index.ts';
import { MAX_CONVERTED } from '../../contract/conversion.ts';
import { checkWritable, type KeyFileFormat, lacksSeed } from '../../formats/index.ts';
import { readParts, wipeParts, type FileParts } from '../conversion/parts.ts';
import { chosen, losses, type Target, targetOf, TARGETS, whyNotInto } from '../conversion/targets.ts';
import { withoutKey, writeParts } from '../conversion/write.ts';
import type { Context } from '../context.ts';
import { bytesOf, outputOf, writeSecret } from '../files/places.ts';
import { writeAside } from '../../signing/write-aside.ts';
import { exportPassphrase, importPassphrase, LEGACY_NOTE } from './exporting.ts';
import type { HandlersOf } from './handlers.ts';

type Input = InputOf<typeof fileOperations.convert>;
type Row = OutputOf<typeof fileOperations.convert>['formats'][number];

const EXTENSIONS: Readonly<Record<string, string>> = {
  pem: 'pem', pkcs8: 'pem', pkcs1: 'pem', sec1: 'pem', openssh: 'key', ppk: 'ppk', jwk: 'jwk', jwe: 'jwe', pkcs12: 'p12', cose: 'cbor', age: 'txt', minisign: 'key', signify: 'sec', raw: 'bin',
  spki: 'pem', 'public-jwk': 'jwk', 'public-openssh': 'pub', 'public-minisign': 'pub', 'public-cose': 'cbor', 'public-age': 'txt', certificate: 'pem', pkcs7: 'p7b', crl: 'crl', request: 'csr',
};

export const fileConversionHandlers: Pick<HandlersOf<'files'>, 'files.convert'> = {
  async 'files.convert'(input, context) {
    const content = await bytesOf(input.content, input.from, 'content', MAX_CONVERTED, context);
    const parts = await readParts(content, { signal: context.call.signal, passphrase: importPassphrase(context, 'Passphrase of the file to convert'), algorithm: input.algorithm });
    try {
      const { kind, detail, keys, publicKeys, certificates } = parts;
      const told = { kind, detail, keys: keys.length, publicKeys: publicKeys.length, certificates: certificates.length, formats: TARGETS.map((target) => rowOf(target, parts, input)) };
      if (input.format === undefined) return { ...told, format: null, encrypted: false, fileName: null, notes: [] };
      return { ...told, ...(await converted(targetOf(input.format), parts, input, context)) };
    } finally {
      wipeParts(parts);
    }
  },
};

function rowOf(target: Target, parts: FileParts, { item }: Input): Row {
  const { format, part, title, passphrase, opens } = target;
  const about = chosen(parts, target, item);
  // A list is for the whole file: which item is meant is asked of what it is to become.
  const reason = whyNotInto(target, about ?? chosen(parts, target, undefined)!);
  const available = about !== undefined && reason === null;
  return { part, format, title, passphrase: parts.keys.length === 0 && format !== 'pkcs12' ? 'none' : passphrase, opens, available, reason: about === undefined ? reason ?? `There is no number ${item} of it in the file.` : reason, loses: available ? losses(target, parts, about, withoutKey(target, about)) : [] };
}

async function converted(target: Target, parts: FileParts, input: Input, context: Context): Promise<Pick<OutputOf<typeof fileOperations.convert>, 'content' | 'written' | 'format' | 'encrypted' | 'fileName' | 'notes'>> {
  const { format, part, passphrase: protection } = target;
  const about = chosen(parts, target, input.item);
  const reason = about === undefined ? null : whyNotInto(target, about);
  if (about === undefined) throw new KeywrightError('INVALID_INPUT', { detail: `There is no number ${input.item} of it in the file.`, where: '/item' });
  if (reason !== null) throw new KeywrightError('CAPABILITY_MISSING', { detail: reason, remedy: 'Choose one of the formats named.', alternatives: TARGETS.filter((one) => rowOf(one, parts, { ...input, item: undefined }).available).map((one) => one.format) });
  const isSecret = (part === 'private' || part === 'all') && about.keys.length > 0;
  if (isSecret && input.to === undefined && !FACE_FACTS[context.call.principal.face].mayHoldPrivateKeys) throw new KeywrightError('PERMISSION_DENIED', { detail: 'No private key passes through the window.', where: '/to', remedy: 'Have it written to a file.' });
  const encrypted = format === 'pkcs12' || (isSecret && protection !== 'none' && (input.encrypt || protection === 'needed') && mayEncrypt(format, about));
  if (part === 'private') for (const { material } of about.keys) checkWritable(material.algorithm, { format: format as KeyFileFormat, encoding: input.encoding, encrypted, seedless: lacksSeed(material.algorithm, material.secret.reveal()) });
  const label = about.keys[0]?.label ?? about.certificates[0]?.label ?? target.title;
  const passphrase = encrypted ? await exportPassphrase(label, context) : undefined;
  try {
    if (isSecret && !encrypted) await askToConfirm({ purpose: 'confirm', title: `Convert to ${format} without encryption`, action: 'Write it without encryption', note: 'The file will hold the key in clear. Whoever can read it has the key.' }, context.call);
    const content = await writeParts(target, about, { encoding: input.encoding, passphrase, profile: input.profile });
    const notes = [...losses(target, parts, about, withoutKey(target, about)), ...(format === 'pkcs12' && input.profile === 'legacy' ? [LEGACY_NOTE] : [])];
    context.note(encrypted ? `converted to encrypted ${format}` : isSecret ? `converted to ${format} without encryption` : `converted to ${format}`);
    const isDer = input.encoding === 'der' && ['pem', 'crl', 'csr', 'p7b'].includes(EXTENSIONS[format]!);
    const fileName = `converted.${isDer && format !== 'pkcs7' ? 'der' : EXTENSIONS[format]!}`;
    const answer = { format, encrypted, fileName, notes };
    if (input.to === undefined) return { ...answer, content };
    if (isSecret) {
      using _content = new SecretBytes(content);
      return { ...answer, written: await writeSecret(content, input.to, fileName, context) };
    }
    const place = await outputOf(input.to, fileName, context);
    await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) => write(content));
    return { ...answer, written: place.written };
  } finally {
    passphrase?.wipe();
  }
}

/** Symmetric keys have no PKCS#8 of their own to encrypt. */
function mayEncrypt(format: string, { keys }: FileParts): boolean {
  return format === 'jwe' || keys.every(({ material }) => !/^(?:aes|hmac|chacha)/.test(material.algorithm));
}
