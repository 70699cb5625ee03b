import { diffieHellman, generateKeyPairSync, verify, X509Certificate, type KeyObject } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTlvs, tlv, valueOf } from '../tlv.ts';
import { opened, PIN, type Client } from './testing/client.ts';

const DIGEST = Buffer.alloc(32, 0x5a);

describe('keys', () => {
  let client: Client;
  beforeEach(async () => {
    client = await opened({ firmware: '5.7.4', serial: 12345678 });
    await client.authenticate('0a');
  });
  afterEach(() => expect(client.card.ledger.repeats).toBe(0));

  const point = (key: KeyObject): Buffer => {
    const { x, y } = key.export({ format: 'jwk' });
    return Buffer.concat([Buffer.of(4), Buffer.from(x ?? '', 'base64url'), Buffer.from(y ?? '', 'base64url')]);
  };

  it('signs, decrypts and agrees with every algorithm, as node:crypto judges', async () => {
    await client.send(`0020008008${PIN}`);
    const slots = { p256: ['9a', '11'], p384: ['9d', '14'], ed25519: ['82', 'e0'], x25519: ['83', 'e1'] } as const;
    for (const [slot, algorithm] of Object.values(slots)) expect((await client.generate(slot, algorithm)).status).toBe('9000');
    const publicOf = (slot: string): KeyObject => client.card.memory.keys.get(Number.parseInt(slot, 16))?.publicKey as KeyObject;

    const message = Buffer.from('a message');
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', message));
    expect(verify('sha256', message, publicOf('9a'), (await client.use('9a', '11', digest)).data)).toBe(true);
    expect(verify('sha256', message, publicOf('9d'), (await client.use('9d', '14', digest)).data)).toBe(true);
    const long = Buffer.alloc(2000, 0x61);
    expect(verify(null, long, publicOf('82'), (await client.use('82', 'e0', long)).data)).toBe(true);

    for (const [slot, algorithm, peer] of [['9a', '11', generateKeyPairSync('ec', { namedCurve: 'P-256' })], ['9d', '14', generateKeyPairSync('ec', { namedCurve: 'P-384' })]] as const) {
      const secret = (await client.use(slot, algorithm, point(peer.publicKey), 0x85)).data;
      expect(secret.equals(diffieHellman({ privateKey: peer.privateKey, publicKey: publicOf(slot) }))).toBe(true);
    }
    const peer = generateKeyPairSync('x25519');
    const raw = Buffer.from(peer.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    expect((await client.use('83', 'e1', raw, 0x85)).data.equals(diffieHellman({ privateKey: peer.privateKey, publicKey: publicOf('83') }))).toBe(true);
  });

  it('refuses points off the curve, digests too long, and an algorithm that is not the key’s', async () => {
    await client.send(`0020008008${PIN}`);
    await client.generate('9a', '11');
    expect((await client.use('9a', '11', Buffer.alloc(33, 1))).status).toBe('6a80');
    expect((await client.use('9a', '11', Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]), 0x85)).status).toBe('6a80');
    expect((await client.use('9a', '14', DIGEST)).status).toBe('6a80');
    expect((await client.use('9c', '11', DIGEST)).status).toBe('6a80');
    expect((await client.use('f9', '14', DIGEST)).status).toBe('6a80');
  });

  it('imports keys and refuses parts that make none', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = privateKey.export({ format: 'jwk' });
    const parts = [jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi].map((field, index) => tlv(index + 1, Buffer.from(field ?? '', 'base64url')));
    expect((await client.command('00fe079d', Buffer.concat(parts))).status).toBe('9000');
    expect((await client.command('00fe079d', Buffer.concat(parts.slice(1)))).status).toBe('6a80');
    expect((await client.command('00fe079d', Buffer.concat(parts.with(2, tlv(0x03, Buffer.alloc(128, 0x55)))))).status).toBe('6a80');
    expect((await client.command('00fe069d', Buffer.concat(parts))).status).toBe('6a80');
    expect(client.card.memory.keys.get(0x9d)?.publicKey.equals(publicKey)).toBe(true);
    expect(await client.status('00f99d0000')).toBe('6a80');
    const curve = generateKeyPairSync('ed25519');
    const secret = Buffer.from(curve.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
    expect((await client.command('00fee084', tlv(0x07, secret))).status).toBe('9000');
    expect(client.card.memory.keys.get(0x84)?.publicKey.equals(curve.publicKey)).toBe(true);
  });

  it('tells metadata as it resolved the policies', async () => {
    await client.generate('9c', '11');
    await client.generate('9e', '11', 'ab0102');
    await client.generate('9a', '11', 'aa0101ab0103');
    const metadata = async (slot: string): Promise<string | undefined> => {
      const objects = readTlvs((await client.send(`00f700${slot}00`)).data);
      const jwk = client.card.memory.keys.get(Number.parseInt(slot, 16))?.publicKey as KeyObject;
      expect(valueOf(objects, 0x04)?.toString('hex')).toBe(tlv(0x86, point(jwk)).toString('hex'));
      expect(valueOf(objects, 0x03)?.toString('hex')).toBe('01');
      return valueOf(objects, 0x02)?.toString('hex');
    };
    expect([await metadata('9c'), await metadata('9e'), await metadata('9a')]).toEqual(['0301', '0102', '0103']);
    expect(await client.status('00f7009d00')).toBe('6a88');
    expect((await client.send('00f7009b00')).data.toString('hex')).toBe('01010a02020001050101');
  });

  it('asks for the PIN in the command right before, once, or never, as the policy says', async () => {
    await client.generate('9a', '11', 'aa0102');
    await client.generate('9c', '11', 'aa0103');
    await client.generate('9e', '11', 'aa0101');
    const sign = async (slot: string): Promise<string> => (await client.use(slot, '11', DIGEST)).status;
    expect([await sign('9a'), await sign('9c'), await sign('9e')]).toEqual(['6982', '6982', '9000']);
    await client.send(`0020008008${PIN}`);
    expect(await sign('9c')).toBe('9000');
    expect(await sign('9c')).toBe('6982');
    expect([await sign('9a'), await sign('9a')]).toEqual(['9000', '9000']);
    await client.send(`0020008008${PIN}`);
    await client.send('00fd000000');
    expect(await sign('9c')).toBe('6982');
    // Asking whether it is verified is a VERIFY without a PIN.
    await client.send(`0020008008${PIN}`);
    await client.send('00200080');
    expect(await sign('9a')).toBe('9000');
  });

  it('waits for a touch each time, or within the time that one counts', async () => {
    const { touch } = client.card;
    await client.generate('9e', '11', 'ab0102');
    await client.generate('82', '11', 'aa0101ab0103');
    touch.timeout = 20;
    expect((await client.use('9e', '11', DIGEST)).status).toBe('6982');
    touch.timeout = 10_000;
    const pending = client.use('9e', '11', DIGEST);
    await touch.whenWaiting();
    expect(touch.touch()).toBe(true);
    expect((await pending).status).toBe('9000');
    expect(touch.touch()).toBe(false);
    expect((await client.use('82', '11', DIGEST)).status).toBe('9000');
    touch.cache = 0;
    touch.timeout = 20;
    expect((await client.use('82', '11', DIGEST)).status).toBe('6982');
    expect(touch.waits).toBe(3);
  });

  it('gives up waiting for a touch when it is pulled', async () => {
    await client.generate('9e', '11', 'ab0102');
    const pending = client.use('9e', '11', DIGEST);
    await client.card.touch.whenWaiting();
    client.card.powerOff();
    expect((await pending).status).toBe('6982');
    expect(client.card.touch.waiting).toBe(false);
  });

  it('moves and deletes keys, and moves none onto another', async () => {
    await client.generate('9a', '11', 'ab0102');
    await client.generate('9d', '11');
    const key = client.card.memory.keys.get(0x9a);
    expect(await client.status('00f69d9a00')).toBe('6985');
    expect(await client.status('00f6f99a00')).toBe('6b00');
    expect(await client.status('00f6829a00')).toBe('9000');
    expect(client.card.memory.keys.get(0x82)).toBe(key);
    expect(await client.status('00f6839a00')).toBe('6a88');
    expect(await client.status('00f6ff8200')).toBe('9000');
    expect(client.card.memory.keys.has(0x82)).toBe(false);
    const other = await opened({ moveOverwrites: true });
    await other.authenticate('0a');
    await other.generate('9a', '11');
    await other.generate('9d', '11');
    expect(await other.status('00f69d9a00')).toBe('9000');
  });

  it('attests what it made itself, through intermediates from 5.7.4 on', async () => {
    await client.generate('9a', '11', 'aa0103ab0102');
    const statement = new X509Certificate((await client.send('00f99a0000')).data);
    const device = new X509Certificate(valueOf(readTlvs(client.card.memory.objects.get(0x5fff01) as Buffer), 0x70) as Buffer);
    const intermediate = new X509Certificate(client.card.authority.intermediate);
    const root = new X509Certificate(client.card.authority.root);
    expect(statement.subject).toBe('CN=YubiKey PIV Attestation 9a');
    expect([statement.verify(device.publicKey), device.verify(intermediate.publicKey), intermediate.verify(root.publicKey), root.verify(root.publicKey)]).toEqual([true, true, true, true]);
    expect(statement.publicKey.equals(client.card.memory.keys.get(0x9a)?.publicKey as KeyObject)).toBe(true);
    // Firmware, serial number, policies and form factor: object identifiers with their values.
    const hex = statement.raw.toString('hex');
    for (const extension of ['060a2b0601040182c40a03030403050704', '060a2b0601040182c40a03070406020400bc614e', '060a2b0601040182c40a030804020302', '060a2b0601040182c40a0309040103']) expect(hex).toContain(extension);
    client.card.memory.objects.set(0x5fff01, Buffer.from('70023000', 'hex'));
    expect(await client.status('00f99a0000')).toBe('6a80');
  });

  it('keeps no key half made when it is pulled while it makes one', async () => {
    const pending = client.generate('9a', '07');
    client.card.powerOff();
    expect((await pending).status).toBe('6985');
    expect(client.card.memory.keys.has(0x9a)).toBe(false);
  });
});
