import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Channel } from '../contract/core.ts';
import { socketChannel } from './channel.ts';
import { encodeFrame, FrameReader } from './frames.ts';
import { fieldsOf, isText } from './messages.ts';

/**
 * Each side proves that it can read the owner's 0600 record, before any message: HMAC-SHA256 (RFC 2104) under the secret
 * in it, over both sides' random nonces and who is speaking. Node cannot ask a socket who its peer is.
 *
 *     client → owner   { protocol, nonce }
 *     owner → client   { nonce, proof }        "I am the owner that wrote the record"
 *     client → owner   { proof }               "and I can read it"
 */
const PROTOCOL = 1;
const NONCE_BYTES = 32;
/** Before the proof nobody gets more memory than this. */
const LONGEST_FRAME = 1024;
/** Milliseconds for the whole handshake. */
const HANDSHAKE_WITHIN = 5000;

/** The other side is not who it must be, or does not speak this protocol. */
export class HandshakeError extends Error {}

/** It ended before it had proved anything: a process that is just ending does that. */
export class ConnectionEnded extends HandshakeError {}

/** Proves ourselves to the owner, and it to us. @throws HandshakeError; the stream is then destroyed. */
export function greetOwner(stream: Duplex, secret: Buffer, within: number = HANDSHAKE_WITHIN): Promise<Channel> {
  return converse(stream, within, async (say, hear) => {
    const nonce = randomBytes(NONCE_BYTES);
    say({ protocol: PROTOCOL, nonce: nonce.toString('base64url') });
    const answer = await hear();
    const theirs = nonceIn(answer['nonce']);
    if (!proves(answer['proof'], proofOf('owner', secret, nonce, theirs))) throw new HandshakeError('the owner did not prove itself');
    say({ proof: proofOf('client', secret, nonce, theirs).toString('base64url') });
  });
}

/** Proves ourselves, the owner, to a client, and it to us. @throws HandshakeError; the stream is then destroyed. */
export function greetClient(stream: Duplex, secret: Buffer, within: number = HANDSHAKE_WITHIN): Promise<Channel> {
  return converse(stream, within, async (say, hear) => {
    const hello = await hear();
    if (hello['protocol'] !== PROTOCOL) throw new HandshakeError('another protocol');
    const theirs = nonceIn(hello['nonce']);
    const nonce = randomBytes(NONCE_BYTES);
    say({ nonce: nonce.toString('base64url'), proof: proofOf('owner', secret, theirs, nonce).toString('base64url') });
    if (!proves((await hear())['proof'], proofOf('client', secret, theirs, nonce))) throw new HandshakeError('the client did not prove itself');
  });
}

/** Names the speaker, so that no proof can be thrown back at whoever made it. */
function proofOf(speaker: 'owner' | 'client', secret: Buffer, clientNonce: Buffer, ownerNonce: Buffer): Buffer {
  return createHmac('sha256', secret).update(`keywright ${speaker} ${PROTOCOL}\0`).update(clientNonce).update(ownerNonce).digest();
}

function proves(given: unknown, expected: Buffer): boolean {
  if (!isText(given, 100)) return false;
  const bytes = Buffer.from(given, 'base64url');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}

function nonceIn(given: unknown): Buffer {
  const bytes = isText(given, 100) ? Buffer.from(given, 'base64url') : Buffer.alloc(0);
  if (bytes.length !== NONCE_BYTES) throw new HandshakeError('no nonce');
  return bytes;
}

type Script = (say: (message: object) => void, hear: () => Promise<Readonly<Record<string, unknown>>>) => Promise<void>;

async function converse(stream: Duplex, within: number, script: Script): Promise<Channel> {
  const reader = new FrameReader(LONGEST_FRAME);
  const heard: unknown[] = [];
  let wake: () => void = () => undefined;
  let failure: Error | undefined;
  const fail = (why: string, Kind = HandshakeError): void => {
    failure ??= new Kind(why);
    wake();
  };
  const onData = (piece: Buffer): void => {
    try {
      for (const message of reader.push(piece)) heard.push(message);
    } catch {
      fail('not our protocol');
    }
    wake();
  };
  const onEnd = (): void => fail('the connection ended', ConnectionEnded);
  const late = setTimeout(() => fail('it took too long'), within);
  stream.on('data', onData).on('error', onEnd).on('end', onEnd).on('close', onEnd);
  const hear = async (): Promise<Readonly<Record<string, unknown>>> => {
    while (heard.length === 0) {
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const fields = fieldsOf(heard.shift());
    if (fields === undefined) throw new HandshakeError('not our protocol');
    return fields;
  };
  try {
    await script((message) => void stream.write(encodeFrame(message)), hear);
    stream.pause();
    return socketChannel(stream, reader, heard);
  } catch (thrown) {
    stream.destroy();
    throw thrown;
  } finally {
    clearTimeout(late);
    stream.off('data', onData).off('error', onEnd).off('end', onEnd).off('close', onEnd);
    if (stream.destroyed) stream.on('error', () => undefined);
    else stream.resume();
  }
}
