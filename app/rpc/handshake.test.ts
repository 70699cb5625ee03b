import { randomBytes } from 'node:crypto';
import { duplexPair, type Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { encodeFrame, FrameReader } from './frames.ts';
import { greetClient, greetOwner, HandshakeError } from './handshake.ts';

const secret = randomBytes(32);
const nonce = () => randomBytes(32).toString('base64url');

/** Talks to one end by hand. @returns what it said so far. */
function byHand(stream: Duplex): { say(message: unknown): void; heard: Record<string, string>[] } {
  const reader = new FrameReader();
  const heard: Record<string, string>[] = [];
  stream.on('data', (piece: Buffer) => heard.push(...(reader.push(piece) as Iterable<Record<string, string>>)));
  stream.on('error', () => undefined);
  return { say: (message) => void stream.write(encodeFrame(message)), heard };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

test('both sides prove themselves, and what follows at once is not lost', async () => {
  const [left, right] = duplexPair();
  const [client, owner] = await Promise.all([greetOwner(left, secret), greetClient(right, secret)]);
  client.send({ hello: 1 });
  owner.send('x'.repeat(100_000));
  const heard: unknown[] = [];
  owner.onMessage((message) => heard.push(message));
  client.onMessage((message) => heard.push((message as string).length));
  await settle();
  expect(heard).toEqual(expect.arrayContaining([{ hello: 1 }, 100_000]));
});

test('another secret on either side fails both, and the connection is gone', async () => {
  const [left, right] = duplexPair();
  const ends = await Promise.allSettled([greetOwner(left, randomBytes(32)), greetClient(right, secret)]);
  for (const end of ends) expect(end).toMatchObject({ status: 'rejected', reason: expect.any(HandshakeError) });
  expect([left.destroyed, right.destroyed]).toEqual([true, true]);
});

test('an impostor in the owner’s place learns no proof of the client', async () => {
  const [left, right] = duplexPair();
  const impostor = byHand(right);
  const greeting = greetOwner(left, secret).catch((thrown: unknown) => thrown);
  await settle();
  impostor.say({ nonce: nonce(), proof: nonce() });
  expect(await greeting).toBeInstanceOf(HandshakeError);
  expect(impostor.heard).toHaveLength(1);
});

test('a proof thrown back at its maker does not count', async () => {
  const [left, right] = duplexPair();
  const thief = byHand(left);
  const greeting = greetClient(right, secret).catch((thrown: unknown) => thrown);
  thief.say({ protocol: 1, nonce: nonce() });
  await settle();
  thief.say({ proof: thief.heard[0]!['proof'] });
  expect(await greeting).toBeInstanceOf(HandshakeError);
});

test('a conversation overheard once opens nothing the second time', async () => {
  const [left, right] = duplexPair();
  const said: unknown[] = [];
  const overheard = new FrameReader();
  right.on('data', (piece: Buffer) => said.push(...overheard.push(piece)));
  await Promise.all([greetOwner(left, secret), greetClient(right, secret)]);
  const [again, owner] = duplexPair();
  const thief = byHand(again);
  const greeting = greetClient(owner, secret).catch((thrown: unknown) => thrown);
  for (const message of said) thief.say(message);
  expect(await greeting).toBeInstanceOf(HandshakeError);
});

test.each([
  ['nothing of ours', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ['a frame that is too long for a stranger', encodeFrame({ protocol: 1, nonce: 'x'.repeat(5000) })],
  ['another protocol', encodeFrame({ protocol: 2, nonce: nonce() })],
  ['no nonce', encodeFrame({ protocol: 1 })],
  ['a short nonce', encodeFrame({ protocol: 1, nonce: 'AAAA' })],
  ['a list', encodeFrame([1])],
])('a stranger who sends %s is dropped', async (_what, bytes) => {
  const [left, right] = duplexPair();
  left.on('error', () => undefined).resume();
  left.write(bytes);
  await expect(greetClient(right, secret)).rejects.toBeInstanceOf(HandshakeError);
  expect(right.destroyed).toBe(true);
});

test('a stranger who says nothing, or stops halfway, is dropped after a while', async () => {
  const [left, right] = duplexPair();
  await expect(greetClient(right, secret, 30)).rejects.toBeInstanceOf(HandshakeError);
  expect(right.destroyed).toBe(true);
  left.destroy();
  const [again, owner] = duplexPair();
  byHand(again).say({ protocol: 1, nonce: nonce() });
  await expect(greetClient(owner, secret, 30)).rejects.toBeInstanceOf(HandshakeError);
});

test('a stranger who leaves is forgotten at once', async () => {
  const [left, right] = duplexPair();
  const greeting = greetClient(right, secret).catch((thrown: unknown) => thrown);
  left.destroy();
  right.destroy();
  expect(await greeting).toBeInstanceOf(HandshakeError);
});
