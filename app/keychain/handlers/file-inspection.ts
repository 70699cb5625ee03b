import { createHash } from 'node:crypto';
import { askToConfirm, FACE_FACTS, type fileOperations, type InputOf, KeywrightError } from '../../contract/index.ts';
import { MAX_INSPECTED } from '../../contract/inspection.ts';
import { asn1Lines } from '../../certificates/words/asn1.ts';
import { looksLikePem, parsePem } from '../../formats/pem.ts';
import type { Context } from '../context.ts';
import { bytesOf } from '../files/places.ts';
import { inspect, saysSecret, SECRET_KINDS } from '../inspector/inspect.ts';
import { mended } from '../inspector/mended.ts';
import { Tree } from '../inspector/tree.ts';
import { Mender } from '../mending.ts';
import { importPassphrase } from './exporting.ts';
import type { HandlersOf } from './handlers.ts';

const HEX_SHOWN = 4096;

export const fileInspectionHandlers: Pick<HandlersOf<'files'>, 'files.inspect'> = {
  async 'files.inspect'(input, context) {
    const content = await bytesOf(input.content, input.from, 'content', MAX_INSPECTED, context);
    const tree = new Tree((fingerprint) => context.session.inventory.byFingerprint(fingerprint).filter(({ trashedUntil }) => trashedUntil === null).map(({ uri }) => uri));
    const { kind, detail } = await inspect(content, { tree, signal: context.call.signal, passphrase: input.open ? importPassphrase(context, 'Passphrase of the file to look into') : undefined });
    const isSecret = SECRET_KINDS.has(kind) || saysSecret(content) || tree.items.some((item) => item.kind === 'private-key' || SECRET_KINDS.has(item.kind));
    const hidden = await whyHidden(input, isSecret, context);
    const shown = input.bytes && hidden === null;
    return { kind, detail, bytes: content.length, sha256: createHash('sha256').update(content).digest('hex'), items: await mended(tree.items, new Mender(context.session, nameOf(input))), problems: tree.problems, asn1: shown ? asn1Of(content) : [], hex: shown ? hexOf(content) : [], hidden };
  },
};

const nameOf = ({ name, from }: InputOf<typeof fileOperations.inspect>): string | undefined => name ?? (from !== undefined && 'path' in from ? from.path : undefined);

/** Bytes of private keys are shown to who insists, and never to the window, whose memory is no place for them. */
async function whyHidden(input: { bytes: boolean; secrets: boolean }, isSecret: boolean, context: Context): Promise<string | null> {
  if (!input.bytes || !isSecret) return null;
  if (!input.secrets) return 'The file may hold a private key: its bytes are shown only when its secrets are asked for too.';
  if (!FACE_FACTS[context.call.principal.face].mayHoldPrivateKeys) throw new KeywrightError('PERMISSION_DENIED', { detail: 'The window does not show the bytes of private keys.', remedy: 'Use the command line: keywright files inspect FILE --bytes --secrets.' });
  await askToConfirm({ purpose: 'confirm', title: 'Show the bytes of a file that may hold a private key', action: 'Show them', note: 'Whoever sees them, or a record of them, may have the key.' }, context.call);
  return null;
}

function asn1Of(content: Uint8Array): string[] {
  if (content[0] === 0x30) return asn1Lines(content);
  if (!looksLikePem(content)) return [];
  try {
    return parsePem(content).slice(0, 20).flatMap(({ label, line, content: bytes }) => [`${label}, line ${line}`, ...asn1Lines(bytes).map((text) => `  ${text}`)]);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return [];
    throw thrown;
  }
}

function hexOf(content: Uint8Array): string[] {
  const shown = Buffer.from(content.subarray(0, HEX_SHOWN));
  const rows = Array.from({ length: Math.ceil(shown.length / 16) }, (_, index) => {
    const row = shown.subarray(16 * index, 16 * index + 16);
    return `${(16 * index).toString(16).padStart(8, '0')}  ${(row.toString('hex').match(/../g) ?? []).join(' ').padEnd(47)}  ${row.toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.')}`;
  });
  return content.length > HEX_SHOWN ? [...rows, `… and ${content.length - HEX_SHOWN} bytes more`] : rows;
}
