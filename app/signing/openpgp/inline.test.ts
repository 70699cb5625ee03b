import { deflateRawSync, deflateSync } from 'node:zlib';
import { createMessage, encrypt, generateKey, sign } from 'openpgp';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../formats/testing/keys.ts';
import { type Packet, packet, readPackets } from '../../formats/openpgp-packets.ts';
import type { SignatureVerdict } from '../format.ts';
import { recogniseSignature, recogniseSigned } from '../recognise.ts';
import { contentOf, trustingSpki, verifyAs } from '../testing/keys.ts';
import { openpgpSigningKeys } from './keys.ts';

/** Messages that hold what was signed, made by openpgp.js and put together anew by hand. What gpg makes of the kind is judged in openpgp.test.ts. */

const CONTENT = Buffer.from('pay 10\n');
const [ONE_PASS, SIGNATURE, LITERAL, COMPRESSED] = [4, 2, 11, 8];
let message: Buffer;
let armored: string;
let parts: Packet[];
let signer: Uint8Array;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], format: 'object' });
  [signer] = await openpgpSigningKeys(Buffer.from(publicKey.armor()), new Date()) as [Uint8Array];
  const signing = async (format: 'binary' | 'armored') => sign({ message: await createMessage({ binary: CONTENT }), signingKeys: privateKey, format: format as 'armored' });
  message = Buffer.from((await signing('binary')) as Uint8Array);
  armored = await signing('armored');
  parts = readPackets(message);
});

async function judge(file: Uint8Array | string, by = signer): Promise<SignatureVerdict[]> {
  using folder = temporaryFolder();
  return await verifyAs(await contentOf(folder.path, file, 'm.gpg'), null, trustingSpki(by), 'openpgp');
}

const written = (packets: readonly Packet[]): Buffer => Buffer.concat(packets.map(({ tag, body }) => packet(tag, body)));
const bodyOf = (tag: number): Uint8Array => parts.find((one) => one.tag === tag)!.body;
const literalOf = (content: Uint8Array): Packet => ({ tag: LITERAL, body: Buffer.concat([Buffer.from('b\0'), Buffer.alloc(4), content]) });
/** In parts of 512 bytes and a rest (RFC 9580 §4.2.1.4). */
const inParts = (tag: number, body: Buffer): Buffer => Buffer.concat([Buffer.of(0xc0 | tag, 0xe0 | 9), body.subarray(0, 512), packet(tag, body.subarray(512)).subarray(1)]);

describe('a message that holds what was signed', () => {
  test('is told by its content and intact, binary or armoured, compressed or not, its length told or not', async () => {
    expect(parts.map(({ tag }) => tag)).toEqual([ONE_PASS, LITERAL, SIGNATURE]);
    const kinds = [message, armored, packet(COMPRESSED, Buffer.of(0), message), packet(COMPRESSED, Buffer.of(1), deflateRawSync(message)), packet(COMPRESSED, Buffer.of(2), deflateSync(message)),
      Buffer.concat([Buffer.of(0xa3, 1), deflateRawSync(message)]), Buffer.concat([packet(10, Buffer.from('PGP')), message]), written([{ tag: SIGNATURE, body: bodyOf(SIGNATURE) }, literalOf(CONTENT)])];
    for (const [index, file] of kinds.entries()) {
      const bytes = Buffer.from(file);
      expect([index, await judge(bytes)]).toMatchObject([index, [{ intact: true, notes: [expect.any(String), expect.stringContaining('holds what was signed: 7 bytes')] }]]);
      expect([index, recogniseSigned(bytes)]).toEqual([index, 'openpgp']);
    }
    // As the signature of another file it would be none: bare bytes may begin like this by chance.
    expect(recogniseSignature(message)).toBe('raw');
  });

  test('may come in parts', async () => {
    const content = Buffer.alloc(700, 'x');
    const { privateKey, publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], format: 'object' });
    const [by] = await openpgpSigningKeys(Buffer.from(publicKey.armor()), new Date());
    const whole = readPackets(Buffer.from((await sign({ message: await createMessage({ binary: content }), signingKeys: privateKey, format: 'binary' })) as Uint8Array));
    const [first, second, third] = whole as [Packet, Packet, Packet];
    expect(await judge(Buffer.concat([written([first]), inParts(LITERAL, Buffer.from(second.body)), written([third])]), by)).toMatchObject([{ intact: true }]);
    await expect(judge(Buffer.concat([written([first, second]), inParts(SIGNATURE, Buffer.concat([third.body, Buffer.alloc(600)]))]))).rejects.toThrow('Only a packet of data');
  });

  test('whose content was changed is not intact', async () => {
    const [first, , third] = parts as [Packet, Packet, Packet];
    expect(await judge(written([first, literalOf(Buffer.from('pay 99\n')), third]))).toMatchObject([{ intact: false }]);
  });

  test('with text around its armour says so', async () => {
    expect((await judge(`pay 1000\n${armored}`))[0]).toMatchObject({ intact: true, notes: [expect.any(String), expect.any(String), expect.stringContaining('not covered')] });
  });

  test.each([
    ['two contents, of which one is not signed', () => [...parts.slice(0, 2), literalOf(Buffer.from('pay 1000\n')), ...parts.slice(2)], 'something else than signatures'],
    ['no signature at all', () => [literalOf(CONTENT)], 'without a signature'],
    ['a signature that was announced and is gone', () => parts.slice(0, 2), 'announces 1 signatures, and 0 follow'],
    ['a signature of another signature', () => [{ tag: ONE_PASS, body: Buffer.concat([bodyOf(ONE_PASS).subarray(0, -1), Buffer.of(1)]) }, ...parts, parts[2]!], 'of another signature'],
    ['no content', () => [parts[0]!, parts[2]!], 'nothing in this OpenPGP file that was signed'],
    ['something compressed twice', () => [{ tag: COMPRESSED, body: Buffer.concat([Buffer.of(0), packet(COMPRESSED, Buffer.of(0), message)]) }], 'nothing in this OpenPGP file that was signed'],
    ['something compressed that unpacks to too much', () => [{ tag: COMPRESSED, body: Buffer.concat([Buffer.of(2), deflateSync(Buffer.alloc(65 * 1024 * 1024))]) }], 'unpacks to more than'],
    ['something compressed that is damaged', () => [{ tag: COMPRESSED, body: Buffer.concat([Buffer.of(2), deflateSync(message).subarray(0, -9)]) }], 'not compressed as it says'],
    ['something compressed with bzip2', () => [{ tag: COMPRESSED, body: Buffer.of(3, 0x42, 0x5a, 0x68) }], 'bzip2'],
  ])('with %s is refused', async (_what, make, why) => {
    await expect(judge(written(make()))).rejects.toThrow(why);
  });

  test('that is encrypted must be decrypted first', async () => {
    const secret = await encrypt({ message: await createMessage({ binary: CONTENT }), passwords: ['word'] });
    expect(recogniseSigned(Buffer.from(secret))).toBe('openpgp');
    await expect(judge(secret)).rejects.toThrow('encrypted');
  });
});

test('keys that were put one behind another are all known', async () => {
  const blocks = await Promise.all(['Ada', 'Bob'].map(async (name) => (await generateKey({ type: 'curve25519', userIDs: [{ name }], format: 'armored' })).publicKey));
  const each = await Promise.all(blocks.map((block) => openpgpSigningKeys(Buffer.from(block), new Date())));
  expect(await openpgpSigningKeys(Buffer.from(`Ada:\n${blocks.join('\nBob:\n')}`), new Date())).toEqual(each.flat());
});
