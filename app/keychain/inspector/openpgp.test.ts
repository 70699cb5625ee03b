import { createMessage, encrypt, generateKey, sign } from 'openpgp';
import { expect, test } from 'vitest';
import { packet, uint16, uint32 } from '../../formats/openpgp-packets.ts';
import { inspect, saysSecret } from './inspect.ts';
import { Tree } from './tree.ts';

async function look(content: Uint8Array | string): Promise<{ kind: string; tree: Tree }> {
  const tree = new Tree(() => []);
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { kind: (await inspect(bytes, { tree, signal: new AbortController().signal, passphrase: undefined })).kind, tree };
}

const facts = (tree: Tree, at = 0): Record<string, string> => Object.fromEntries(tree.items[at]!.facts.map(({ name, value }) => [name, value]));
const mpi = (bytes: Uint8Array): Buffer => Buffer.concat([uint16(8 * bytes.length), bytes]);

test('a private key is told to be one, so that its bytes are not shown by the way; damaged or not', async () => {
  const { privateKey, publicKey, revocationCertificate } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], format: 'object' });
  const armored = privateKey.armor();
  for (const content of [armored, privateKey.write()]) {
    expect((await look(content)).tree.items[0]).toMatchObject({ kind: 'openpgp-private-key', title: 'Ada' });
    expect(saysSecret(Buffer.from(content as string))).toBe(true);
  }
  expect(saysSecret(Buffer.from(armored.slice(0, 200)))).toBe(true);
  expect(saysSecret(Buffer.from('-----BEGIN ED25519 PRIVATE KEY-----\nAAAA\n'))).toBe(true);
  expect((await look(publicKey.armor())).tree.items[0]).toMatchObject({ kind: 'openpgp-key', title: 'Ada' });
  expect(saysSecret(Buffer.from(publicKey.armor()))).toBe(false);
  expect(saysSecret(publicKey.write())).toBe(false);
  // It stands in the armour of a public key, and holds none.
  const { tree } = await look(revocationCertificate);
  expect(tree.problems).toEqual([]);
  expect(tree.items[0]).toMatchObject({ kind: 'openpgp-revocation', title: publicKey.getFingerprint().toUpperCase(), actions: [] });
});

test('a key of an old version or of a foreign algorithm is shown all the same', async () => {
  const n = Buffer.alloc(128, 0xc5);
  const old = Buffer.concat([packet(6, Buffer.of(3), uint32(800_000_000), uint16(0), Buffer.of(1), mpi(n), mpi(Buffer.of(17))), packet(13, Buffer.from('Zoe \u202e<z@example.com>'))]);
  const { kind, tree } = await look(old);
  expect([kind, tree.items.length, tree.problems]).toEqual(['openpgp', 1, []]);
  expect(tree.items[0]!.title).not.toContain('\u202e');
  expect(tree.items[0]!.findings.map(({ code }) => code)).toEqual(['rsa-short', 'openpgp-v3']);
  expect(facts(tree)).toMatchObject({ Version: '3', Algorithm: 'RSA 1024', Fingerprint: expect.stringMatching(/^[0-9A-F]{32}$/) as unknown });
  const future = Buffer.concat([Buffer.of(6), uint32(1_700_000_000), Buffer.of(30), uint32(1984), Buffer.alloc(1984, 7)]);
  const told = (await look(Buffer.concat([packet(6, future), packet(14, future)]))).tree;
  expect(told.items.map(({ kind: each, parent }) => [each, parent])).toEqual([['openpgp-key', null], ['openpgp-subkey', 0]]);
  expect(facts(told)).toMatchObject({ Algorithm: 'ML-DSA-65 with Ed25519', Fingerprint: expect.stringMatching(/^[0-9A-F]{64}$/) as unknown });
});

test('a message says for whom it is encrypted, or by whom it says that it is signed', async () => {
  const { privateKey, publicKey } = await generateKey({ type: 'curve25519', userIDs: [{ name: 'Ada' }], format: 'object' });
  const message = await createMessage({ text: 'hello' });
  const secret = await encrypt({ message, encryptionKeys: publicKey, passwords: ['word'], format: 'binary' }) as Uint8Array;
  const closed = (await look(secret)).tree;
  expect(closed.items).toMatchObject([{ kind: 'openpgp', title: '2 recipients', actions: ['files.decrypt'] }]);
  expect(facts(closed)).toMatchObject({ Recipients: `${publicKey.subkeys[0]!.getKeyID().toHex().toUpperCase()} (X25519), a passphrase` });
  const signed = await sign({ message, signingKeys: privateKey });
  for (const content of [signed, signed.replaceAll('PGP MESSAGE', 'PGP ARMORED FILE')]) {
    const { kind, tree } = await look(content);
    expect([kind, tree.problems, ...tree.items]).toMatchObject(['openpgp', [], { kind: 'openpgp', actions: ['files.verify'] }, { kind: 'openpgp-signature', parent: 0, title: publicKey.getFingerprint().toUpperCase() }]);
  }
  const bare = packet(9, Buffer.alloc(30));
  expect((await look(Buffer.concat([packet(1, Buffer.of(3), Buffer.alloc(8), Buffer.of(1), mpi(Buffer.alloc(128, 1))), bare]))).tree.items[0]).toMatchObject({ findings: [{ code: 'no-integrity' }], facts: [{ value: 'somebody who is not named (RSA)' }, { value: 'none' }] });
});

test('blocks that stand one behind another are all told, one that is damaged too; what is no packet in the armour is named', async () => {
  const [ada, bob] = await Promise.all(['Ada', 'Bob'].map(async (name) => (await generateKey({ type: 'curve25519', userIDs: [{ name }], format: 'armored' })).publicKey));
  const { tree } = await look(`${ada}\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsBN\n-----END PGP PUBLIC KEY BLOCK-----\n${bob}`);
  expect(tree.items.filter(({ parent }) => parent === null).map(({ title }) => title)).toEqual(['Ada', 'Bob']);
  expect(tree.problems).toMatchObject([{ code: 'INVALID_INPUT', where: expect.stringContaining('block 2') as unknown }]);
  expect((await look('-----BEGIN PGP ARMORED FILE-----\n\naGVsbG8=\n-----END PGP ARMORED FILE-----\n')).tree).toMatchObject({ problems: [], items: [{ kind: 'openpgp', detail: expect.stringContaining('5 bytes') as unknown }] });
});
