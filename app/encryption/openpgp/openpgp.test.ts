import { createCipheriv, createPrivateKey, createPublicKey, type JsonWebKey, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { createMessage, decrypt, encrypt, enums, generateKey, readMessage, readPrivateKey, type Config } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeywrightError } from '../../contract/index.ts';
import { encryptionKeyBody, readEncryptionKeyBody } from '../../formats/openpgp-encryption-key.ts';
import { packet, uint32 } from '../../formats/openpgp-packets.ts';
import { hasTool, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import type { Openers, Party, PublicParty } from '../parties.ts';
import { MemorySource } from '../source.ts';
import { decrypted, encrypted, held, openers, partyOf, passphrase, PASSPHRASE } from '../testing/parties.ts';
import { AES256, PACKETS } from './algorithms.ts';
import { decryptOpenpgp } from './decrypt.ts';
import { openpgpRecipients } from './keys.ts';
import { PacketStream, PacketWriter, wholeBody } from './packets.ts';
import { sealVersion1, sealVersion2 } from './protected.ts';
import { publicSessionKey } from './session-key.ts';

const plaintext = randomBytes(300_000);
const created = new Date(1_700_000_000_000);
const own = (algorithm: Parameters<typeof partyOf>[0]): PublicParty => ({ ...partyOf(algorithm), created });
const V4 = ['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521', 'ec-brainpoolp256r1', 'ec-brainpoolp384r1', 'ec-brainpoolp512r1', 'x25519'] as const;

async function opened(message: Uint8Array, by: Openers): Promise<Buffer> {
  const pieces: Buffer[] = [];
  await decryptOpenpgp(new MemorySource(message), message.subarray(0, 4096), by, async (piece) => void pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

test.each(V4)('what is encrypted for %s opens with it in both versions, in armour and without, and with no other', async (algorithm) => {
  using folder = temporaryFolder();
  for (const openpgp of ['v4', 'v6'] as const) {
    for (const armor of [false, true]) {
      const path = await encrypted(folder.path, 'openpgp', [own(algorithm)], plaintext, { armor, openpgp });
      expect(await decrypted(path, openers([held(algorithm)]))).toEqual(plaintext);
      await expect(decrypted(path, openers(V4.filter((other) => other !== algorithm).map((other) => held(other))))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  }
});

test.each([0, 1, 191, 192, 8383, 8384, 65_535, 65_536, 65_537, 131_100])('%i bytes come back', async (length) => {
  using folder = temporaryFolder();
  for (const openpgp of ['v4', 'v6'] as const) {
    const path = await encrypted(folder.path, 'openpgp', [own('x25519')], plaintext.subarray(0, length), { openpgp });
    expect((await decrypted(path, openers([held('x25519')]))).equals(plaintext.subarray(0, length))).toBe(true);
  }
});

test('each of several recipients opens it, a passphrase among them', async () => {
  using folder = temporaryFolder();
  for (const openpgp of ['v4', 'v6'] as const) {
    const path = await encrypted(folder.path, 'openpgp', [own('rsa-2048'), own('x25519'), passphrase], plaintext, { openpgp });
    for (const by of [openers([held('rsa-2048')]), openers([held('x25519')]), openers([])]) expect(await decrypted(path, by)).toEqual(plaintext);
    await expect(decrypted(path, openers([], 'not this one'))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
  }
});

test('a key that OpenPGP has no form of is refused with the reason', async () => {
  using folder = temporaryFolder();
  for (const party of [partyOf('x25519'), own('ed25519'), own('ec-secp256k1'), own('x448')]) await expect(encrypted(folder.path, 'openpgp', [party], plaintext)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
});

describe('a message that was changed or cut anywhere is refused', () => {
  test.each(['v4', 'v6'] as const)('%s', async (openpgp) => {
    using folder = temporaryFolder();
    const small = plaintext.subarray(0, 200);
    const message = readFileSync(await encrypted(folder.path, 'openpgp', [own('ec-p256'), own('x25519')], small, { openpgp }));
    const by = openers([held('x25519')]);
    expect(await opened(message, by)).toEqual(small);
    for (let at = 0; at < message.length; at += 1) {
      await expect(opened(message.subarray(0, at), by)).rejects.toThrow(KeywrightError);
      const changed = Buffer.from(message);
      changed[at] = (changed[at] as number) ^ 0x04;
      const result = await opened(changed, by).catch((thrown: unknown) => thrown);
      // The packets of other recipients, and who they are for, are under no MAC.
      if (!(result instanceof KeywrightError)) expect([at, Buffer.isBuffer(result) ? result.equals(small) : String((result as Error).stack)]).toEqual([at, true]);
    }
    const content = message.subarray(message.lastIndexOf(Buffer.of(0xc0 | PACKETS.protected)) + 40);
    for (let at = message.length - content.length; at < message.length; at += 1) {
      const changed = Buffer.from(message);
      changed[at] = (changed[at] as number) ^ 0x80;
      await expect(opened(changed, by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    await expect(opened(Buffer.concat([message, packet(PACKETS.literal, Buffer.from('b\0\0\0\0\0more'))]), by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('chunks of version 2 that were swapped, left out or repeated', async () => {
    using folder = temporaryFolder();
    const path = await encrypted(folder.path, 'openpgp', [own('x25519')], plaintext, { openpgp: 'v6' });
    const whole = await bodyOf(path);
    const size = 65_536 + 16;
    const [start, one, two, rest] = [whole.body.subarray(0, 36), whole.body.subarray(36, 36 + size), whole.body.subarray(36 + size, 36 + 2 * size), whole.body.subarray(36 + 2 * size)];
    const by = openers([held('x25519')]);
    expect(await opened(rebuilt(whole.before, [start, one, two, rest]), by)).toEqual(plaintext);
    for (const parts of [[start, two, one, rest], [start, one, rest], [start, one, one, two, rest], [start, one, two, rest.subarray(0, -16)], [start, one, two], [start, one, two.subarray(0, -16)], [start, rest.subarray(-16)], [start]]) {
      await expect(opened(rebuilt(whole.before, parts), by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
  });
});

/** The session keys, and the content's packet put together. */
async function bodyOf(path: string): Promise<{ before: Buffer; body: Buffer }> {
  const file = readFileSync(path);
  const stream = new PacketStream(new MemorySource(file));
  const first = await stream.next();
  const key = await wholeBody(first!.body, 10_000, 'it');
  const second = await stream.next();
  return { before: packet(first!.tag, key), body: await wholeBody(second!.body, 1_000_000, 'it') };
}

const rebuilt = (before: Buffer, parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([before, Buffer.of(0xc0 | PACKETS.protected, 0xff), uint32(body.length), body]);
};

describe('what a message holds', () => {
  const to = readEncryptionKeyBody(encryptionKeyBody(pairOf('x25519').spki, created, 4)!);
  const key = { key: randomBytes(32), cipher: AES256 };
  const by = openers([held('x25519')]);
  const literalOf = (content: Uint8Array): Buffer => packet(PACKETS.literal, Buffer.from('b\0\0\0\0\0'), content);

  async function message(content: Uint8Array, seal = sealVersion1): Promise<Buffer> {
    const out: Buffer[] = [publicSessionKey(to, key, seal === sealVersion1 ? 3 : 6)];
    const envelope = new PacketWriter(PACKETS.protected, async (piece) => void out.push(Buffer.from(piece)));
    const sealer = await seal(key, (piece) => envelope.write(piece));
    await sealer.write(content);
    await sealer.end();
    await envelope.end();
    return Buffer.concat(out);
  }

  test('compressed content is unpacked, and what unpacks to something huge, or is compressed twice, is not', async () => {
    const compressed = (content: Uint8Array): Buffer => packet(PACKETS.compressed, Buffer.of(1), deflateRawSync(content));
    for (const seal of [sealVersion1, sealVersion2]) {
      expect(await opened(await message(compressed(literalOf(plaintext)), seal), by)).toEqual(plaintext);
      await expect(opened(await message(compressed(compressed(literalOf(plaintext))), seal), by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    const bomb = await message(compressed(packet(PACKETS.literal, Buffer.from('b\0\0\0\0\0'), Buffer.alloc(100 * 1024 * 1024))));
    await expect(decryptOpenpgp(new MemorySource(bomb), bomb, by, async () => undefined)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('200 times') });
    await expect(opened(await message(packet(PACKETS.compressed, Buffer.of(3), randomBytes(20))), by)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING' });
  });

  test('nothing, two contents, unknown packets and nonsense are refused', async () => {
    for (const content of [Buffer.alloc(0), Buffer.concat([literalOf(plaintext), literalOf(plaintext)]), packet(60, Buffer.from('x')), Buffer.alloc(50, 0x6b), Buffer.alloc(50, 0xff), Buffer.concat([literalOf(plaintext), Buffer.of(0x00)])]) {
      for (const seal of [sealVersion1, sealVersion2]) await expect(opened(await message(content, seal), by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    }
    expect(await opened(await message(Buffer.concat([packet(PACKETS.marker, Buffer.from('PGP')), literalOf(plaintext), packet(PACKETS.padding, randomBytes(9))])), by)).toEqual(plaintext);
  });

  test('content without integrity, and that of LibrePGP, are refused with the reason', async () => {
    const cipher = createCipheriv('aes-256-cfb', key.key, Buffer.alloc(16));
    const session = publicSessionKey(to, key, 3);
    await expect(opened(Buffer.concat([session, packet(PACKETS.unprotected, cipher.update(literalOf(plaintext)))]), by)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('does not show whether somebody changed it') });
    await expect(opened(Buffer.concat([session, packet(PACKETS.librePgp, randomBytes(60))]), by)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('LibrePGP') });
    await expect(opened(literalOf(plaintext), by)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a cipher that is not there is named, and not called a wrong passphrase; another passphrase beside it opens the file', async () => {
    const twofish = packet(PACKETS.secretSessionKey, Buffer.of(4, 10, 3, 8), randomBytes(8), Buffer.of(0x60));
    await expect(opened(Buffer.concat([twofish, packet(PACKETS.protected, Buffer.of(1), randomBytes(80))]), by)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('Twofish') });
    using folder = temporaryFolder();
    const file = readFileSync(await encrypted(folder.path, 'openpgp', [passphrase], plaintext));
    expect(await opened(Buffer.concat([twofish, file]), by)).toEqual(plaintext);
  });

  test('a passphrase that would need too much memory is refused before anybody is asked for it to be tried', async () => {
    const argon2 = Buffer.concat([Buffer.of(4), randomBytes(16), Buffer.of(1, 4, 24)]);
    const file = Buffer.concat([packet(PACKETS.secretSessionKey, Buffer.of(6, 3 + argon2.length + 15, AES256, 2, argon2.length), argon2, randomBytes(15 + 48)), packet(PACKETS.protected, Buffer.of(2, AES256, 2, 10), randomBytes(80))]);
    await expect(opened(file, by)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('MiB') });
  });
});

describe.skipIf(!hasTool('gpg', '--version'))('with gpg (skipped without it)', () => {
  const folder = temporaryFolder();
  const home = join(folder.path, 'home');
  const gpg = (...args: string[]): Buffer => run('gpg', ['--homedir', home, '--batch', '--no-tty', '--quiet', '--yes', '--pinentry-mode', 'loopback', '--passphrase', '', '--trust-model', 'always', '--s2k-count', '65536', ...args]);
  const withPassphrase = ['--passphrase', PASSPHRASE];
  beforeAll(() => mkdirSync(home, { mode: 0o700 }));
  afterAll(() => {
    run('gpgconf', ['--homedir', home, '--kill', 'all']);
    folder[Symbol.dispose]();
  });

  test.each([['rsa2048', 'rsa2048'], ['ed25519', 'cv25519'], ['nistp256', 'nistp256'], ['nistp384', 'nistp384'], ['nistp521', 'nistp521'], ['ed25519', 'brainpoolP256r1']])('it opens what we encrypt for its key of %s with %s', async (primary, subkey) => {
    const name = `${primary}-${subkey}@example.com`;
    gpg('--quick-generate-key', name, primary, 'sign,cert', 'never');
    const print = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', name).toString())![1]!;
    gpg('--quick-add-key', print, subkey, 'encr', 'never');
    const [openpgp] = await openpgpRecipients(gpg('--armor', '--export', name), new Date());
    const party: Party = { kind: 'key', name, spki: openpgp!.key.spki, algorithm: openpgp!.key.algorithm, openpgp: openpgp! };
    for (const armor of [false, true]) {
      const path = await encrypted(folder.path, 'openpgp', [party], plaintext, { armor });
      gpg('--output', join(folder.path, 'back'), '--decrypt', path);
      expect(readFileSync(join(folder.path, 'back')).equals(plaintext)).toBe(true);
    }
  });

  test('it opens what we encrypt to a passphrase, and we what it does, in each of its ways', async () => {
    const path = await encrypted(folder.path, 'openpgp', [passphrase], plaintext);
    gpg(...withPassphrase, '--output', join(folder.path, 'back'), '--decrypt', path);
    expect(readFileSync(join(folder.path, 'back')).equals(plaintext)).toBe(true);
    const compressible = Buffer.from('the same words again and again. '.repeat(20_000));
    writeFileSync(join(folder.path, 'theirs-plain'), compressible);
    for (const options of [[], ['--armor'], ['--compress-algo', 'none'], ['--compress-algo', 'zip'], ['--compress-algo', 'zlib'], ['--cipher-algo', 'AES128'], ['--cipher-algo', 'CAMELLIA256'], ['--cipher-algo', '3DES'], ['--s2k-digest-algo', 'SHA512'], ['--s2k-mode', '1'], ['--s2k-mode', '0']]) {
      gpg(...withPassphrase, '--output', join(folder.path, 'theirs'), ...options, '--symmetric', join(folder.path, 'theirs-plain'));
      expect([options, (await decrypted(join(folder.path, 'theirs'), openers([]))).equals(compressible)]).toEqual([options, true]);
      await expect(decrypted(join(folder.path, 'theirs'), openers([], 'not this one'))).rejects.toMatchObject({ code: 'PIN_INCORRECT' });
    }
  });

  test('we open what it encrypts for keys of ours, signed inside too, and refuse what it makes without integrity', async () => {
    writeFileSync(join(folder.path, 'theirs-plain'), plaintext);
    gpg('--quick-generate-key', 'signer@example.com', 'ed25519', 'sign,cert', 'never');
    // Keys of gpg's own making, as somebody has who moves here: their private keys and times are taken along.
    for (const subkey of ['rsa2048', 'cv25519', 'nistp256']) {
      const name = `own-${subkey}@example.com`;
      gpg('--quick-generate-key', name, 'ed25519', 'sign,cert', 'never');
      const print = /^fpr:+([0-9A-F]+):/m.exec(gpg('--with-colons', '--list-keys', name).toString())![1]!;
      gpg('--quick-add-key', print, subkey, 'encr', 'never');
      const key = await heldOf(gpg('--armor', '--export-secret-keys', name).toString());
      for (const options of [[], ['--armor'], ['--hidden-recipient', name], ['--sign', '--local-user', 'signer@example.com']]) {
        gpg('--output', join(folder.path, 'theirs'), ...(options[0] === '--hidden-recipient' ? [] : ['--recipient', name]), ...options, '--encrypt', join(folder.path, 'theirs-plain'));
        expect([subkey, options, (await decrypted(join(folder.path, 'theirs'), openers([held('x25519'), key]))).equals(plaintext)]).toEqual([subkey, options, true]);
      }
    }
  });
});

/** The subkey that receives, taken out of a private key. */
async function heldOf(armoredKey: string): Promise<ReturnType<typeof held>> {
  const [subkey] = (await readPrivateKey({ armoredKey })).subkeys;
  const { privateParams } = subkey!.keyPacket as { privateParams: Record<string, Uint8Array> };
  const { spki, algorithm } = readEncryptionKeyBody((subkey!.keyPacket as unknown as { writePublicKey(): Uint8Array }).writePublicKey());
  const jwk = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({ format: 'jwk' });
  const scalar = algorithm === 'x25519' ? (privateParams['k'] ?? Buffer.from(privateParams['d'] ?? []).reverse()) : Buffer.from(privateParams['d'] ?? []);
  const privateJwk = algorithm.startsWith('rsa') ? rsaJwk(jwk, privateParams) : { ...jwk, d: Buffer.from(scalar).toString('base64url') };
  return { ...held(algorithm, [], { spki, privateKey: createPrivateKey({ key: privateJwk, format: 'jwk' }) }), created: subkey!.getCreationTime() };
}

function rsaJwk(jwk: JsonWebKey, { d, p, q, u }: Record<string, Uint8Array>): JsonWebKey {
  const big = (bytes: Uint8Array | undefined): bigint => BigInt(`0x${Buffer.from(bytes ?? []).toString('hex')}`);
  const url = (value: bigint): string => {
    const hex = value.toString(16);
    return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
  };
  // OpenPGP keeps the inverse of p modulo q, and JWK that of q modulo p: the primes change places.
  return { ...jwk, d: url(big(d)), p: url(big(q)), q: url(big(p)), dp: url(big(d) % (big(q) - 1n)), dq: url(big(d) % (big(p) - 1n)), qi: url(big(u)) };
}

describe('with openpgp.js', () => {
  const modern: Partial<Config> = { aeadProtect: true };

  test.each([['curve25519', true], ['curve25519', false], ['rsa', false]] as const)('%s, v6 keys %s: both ways', async (type, v6Keys) => {
    using folder = temporaryFolder();
    const { privateKey } = await generateKey({ ...(type === 'rsa' ? { type, rsaBits: 2048 } : v6Keys ? { type } : { type: 'ecc', curve: 'curve25519Legacy' }), userIDs: [{ name: 'Ada' }], format: 'object', config: { v6Keys, aeadProtect: v6Keys } });
    const [openpgp] = await openpgpRecipients(Buffer.from(privateKey.toPublic().armor()), new Date());
    expect([openpgp!.name, openpgp!.readsVersion2]).toEqual(['Ada', v6Keys]);
    const party: Party = { kind: 'key', name: 'Ada', spki: openpgp!.key.spki, algorithm: openpgp!.key.algorithm, openpgp: openpgp! };
    const path = await encrypted(folder.path, 'openpgp', [party], plaintext);
    const { data } = await decrypt({ message: await readMessage({ binaryMessage: Uint8Array.from(readFileSync(path)) }), decryptionKeys: privateKey, format: 'binary' });
    expect(Buffer.from(data).equals(plaintext)).toBe(true);
    const key = await heldOf(privateKey.armor());
    for (const config of v6Keys ? [{ ...modern, preferredAEADAlgorithm: enums.aead.ocb }, { ...modern, preferredAEADAlgorithm: enums.aead.gcm }] : [{}]) {
      const theirs = await encrypt({ message: await createMessage({ binary: plaintext }), encryptionKeys: privateKey.toPublic(), format: 'binary', config });
      expect((await opened(Buffer.from(theirs), openers([held('x25519'), key]))).equals(plaintext)).toBe(true);
    }
  });

  test('a passphrase with Argon2, both ways, in OCB and GCM; EAX is refused with the reason', async () => {
    using folder = temporaryFolder();
    const path = await encrypted(folder.path, 'openpgp', [passphrase], plaintext, { openpgp: 'v6' });
    const { data } = await decrypt({ message: await readMessage({ binaryMessage: Uint8Array.from(readFileSync(path)) }), passwords: PASSPHRASE, format: 'binary' });
    expect(Buffer.from(data).equals(plaintext)).toBe(true);
    for (const aead of [enums.aead.ocb, enums.aead.gcm, enums.aead.eax]) {
      const theirs = Buffer.from(await encrypt({ message: await createMessage({ binary: plaintext }), passwords: PASSPHRASE, format: 'binary', config: { ...modern, preferredAEADAlgorithm: aead, s2kType: enums.s2k.argon2, s2kArgon2Params: { passes: 1, parallelism: 4, memoryExponent: 10 } } }));
      const result = opened(theirs, openers([]));
      if (aead === enums.aead.eax) await expect(result).rejects.toThrow(KeywrightError);
      else expect((await result).equals(plaintext)).toBe(true);
    }
  });

  test('a v6 message is not made for a key that does not say that it reads it, and one to it is readable', async () => {
    using folder = temporaryFolder();
    const [openpgp] = await openpgpRecipients(Buffer.from((await generateKey({ type: 'ecc', curve: 'curve25519Legacy', userIDs: [{ name: 'Old' }], format: 'object' })).publicKey.armor()), new Date());
    const party: Party = { kind: 'key', name: 'Old', spki: openpgp!.key.spki, algorithm: openpgp!.key.algorithm, openpgp: openpgp! };
    await expect(encrypted(folder.path, 'openpgp', [party], plaintext, { openpgp: 'v6' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', message: expect.stringContaining('Old') });
  });
});
