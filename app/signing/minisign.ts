import { basename } from 'node:path';
import { decodeMinisignLine, type MinisignBlock, minisignKeyId, minisignKeyName, minisignLines, parseMinisignBlock, writeMinisignBlock } from '../formats/minisign.ts';
import { malformed } from '../formats/malformed.ts';
import { parseSpki } from '../formats/spki.ts';
import type { FileContent } from './content.ts';
import { type FormatModule, notIntact, type SignatureVerdict, type SigningKey, type Trust } from './format.ts';
import { tryKeys } from './try-keys.ts';
import { verifySignature } from './verify.ts';

/**
 * minisign: Ed25519 over the file, or over its BLAKE2b-512 (`ED`, for files of any size), and a second signature that covers the
 * first one and the trusted comment. signify (OpenBSD): the first of them alone, always pure.
 */
const TRUSTED = 'trusted comment: ';

const rawKey = ({ spki }: { spki: Uint8Array }): Uint8Array => {
  const parts = parseSpki(spki);
  return parts.kind === 'bytes' ? parts.bytes : Buffer.alloc(0);
};

export const minisign: FormatModule = {
  async sign(file, key, { prehash = true, comment }) {
    const block = await firstSignature(file, key, prehash, 'signature by Keywright');
    const trusted = oneLine(comment ?? `timestamp:${Math.floor(Date.now() / 1000)}\tfile:${basename(file.name)}${prehash ? '\thashed' : ''}`);
    const second = await key.sign('ed25519', { message: Buffer.concat([block.body, Buffer.from(trusted)]) });
    return { bytes: Buffer.from(`${writeMinisignBlock(block)}${TRUSTED}${trusted}\n${Buffer.from(second).toString('base64')}\n`) };
  },

  async verify(file, signature, trust) {
    const lines = minisignLines(needed(signature));
    const block = parseMinisignBlock(lines, 64);
    const verdict = await judgeFirst(file, block, trust);
    const [, , third = '', fourth = ''] = lines;
    if (!third.startsWith(TRUSTED)) throw malformed(`The third line should begin with “${TRUSTED.trim()}”.`);
    if (lines.length > 4) throw malformed('There are more than four lines.');
    const global = decodeMinisignLine(fourth, 64, 'The fourth line');
    const comment = third.slice(TRUSTED.length);
    if (verdict.spki === null) return [verdict];
    const message = Buffer.concat([block.body, Buffer.from(comment)]);
    if (!(await verifySignature(verdict.spki, 'ed25519', { message }, global))) return [notIntact('The trusted comment was changed: its signature does not fit.', { spki: verdict.spki, known: verdict.known, algorithm: 'ed25519' })];
    const seconds = /(?:^|\t)timestamp:(\d{1,11})(?:\t|$)/.exec(comment)?.[1];
    return [{ ...verdict, notes: [...verdict.notes, `Trusted comment: ${comment}`], time: seconds === undefined ? null : { at: new Date(Number(seconds) * 1000).toISOString(), according: 'signer', by: null } }];
  },
};

export const signify: FormatModule = {
  async sign(file, key) {
    return { bytes: Buffer.from(writeMinisignBlock(await firstSignature(file, key, false, `verify with ${oneLine(key.label)}.pub`))) };
  },
  async verify(file, signature, trust) {
    const lines = minisignLines(needed(signature));
    const block = parseMinisignBlock(lines, 64);
    if (lines.length > 2) throw malformed('There are more than two lines.');
    if (block.algorithm !== 'Ed') throw malformed('signify has pure Ed25519 signatures alone.');
    return [await judgeFirst(file, block, trust)];
  },
};

async function firstSignature(file: FileContent, key: SigningKey, prehash: boolean, comment: string): Promise<MinisignBlock> {
  const message = prehash ? await file.digest('blake2b512') : await file.whole();
  return { algorithm: prehash ? 'ED' : 'Ed', keyId: minisignKeyId(rawKey(key)), body: await key.sign('ed25519', { message }), comment };
}

async function judgeFirst(file: FileContent, { algorithm, body, keyId }: MinisignBlock, trust: Trust): Promise<SignatureVerdict> {
  if (algorithm !== 'Ed' && algorithm !== 'ED') throw malformed('The signature is neither Ed25519 nor its pre-hashed form.');
  const content = async (): Promise<{ message: Uint8Array }> => ({ message: algorithm === 'ED' ? await file.digest('blake2b512') : await file.whole() });
  const verdict = await tryKeys({ signature: body, ecdsa: 'der', algorithms: (key) => (key.algorithm === 'ed25519' ? ['ed25519'] : []), content }, trust);
  return { ...verdict, notes: [`The signature names the key ${minisignKeyName(keyId)}.`] };
}

function needed(signature: Uint8Array | null): Uint8Array {
  if (signature !== null) return signature;
  throw malformed('A minisign signature is a file of its own.', undefined, 'Name it beside the file that it is of.');
}

/** Both comments are one line each: what would end it is a space. */
function oneLine(text: string): string {
  return text.replace(/[\x00-\x08\x0a-\x1f\x7f]+/g, ' ').trim();
}
