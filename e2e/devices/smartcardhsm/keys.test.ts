import { constants, createHash, createPublicKey, createSecretKey, diffieHellman, generateKeyPairSync, publicEncrypt, verify } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { readTlvs, tlv, valueOf } from '../tlv.ts';
import { CURVES } from './curves.ts';
import { cmac } from './dkek.ts';
import { byte, opened, SET_UP, type Client } from './testing/client.ts';

const MESSAGE = Buffer.from('signed in the card');
const digest = (hash: string): Buffer => createHash(hash).update(MESSAGE).digest();

describe('keys of the virtual SmartCard-HSM', () => {
  it.each(CURVES.map(({ name }) => name))('%s: signs and agrees as node:crypto does', async (name) => {
    const client = await opened();
    await client.verify();
    expect((await client.generate(1, name)).status).toBe('9000');
    const { publicKey } = client.card.memory.keys.get(1)!;
    const raw = await client.command('80680170', digest('sha256'));
    expect(verify('sha256', MESSAGE, publicKey, raw.data)).toBe(true);
    const hashed = await client.command('80680173', MESSAGE);
    expect(verify('sha256', MESSAGE, publicKey, hashed.data)).toBe(true);
    const peer = generateKeyPairSync('ec', { namedCurve: name });
    const bytes = CURVES.find((curve) => curve.name === name)!.bytes;
    const point = peer.publicKey.export({ type: 'spki', format: 'der' }).subarray(-(1 + 2 * bytes));
    const agreed = await client.command('80620180', point);
    expect(agreed.data.subarray(1, 1 + bytes).equals(diffieHellman({ privateKey: peer.privateKey, publicKey }))).toBe(true);
    point[5]! ^= 1;
    expect((await client.command('80620180', point)).status).toBe('6a80');
  });

  it('RSA: PKCS#1, PSS and decryption', async () => {
    const client = await opened();
    await client.verify();
    expect((await client.generate(7, 'rsa:2048')).status).toBe('9000');
    const { publicKey } = client.card.memory.keys.get(7)!;
    const info = Buffer.concat([Buffer.from('3031300d060960864801650304020105000420', 'hex'), digest('sha256')]);
    expect(verify('sha256', MESSAGE, publicKey, (await client.command('80680730', info)).data)).toBe(true);
    expect(verify('sha256', MESSAGE, publicKey, (await client.command('80680733', MESSAGE)).data)).toBe(true);
    for (const hash of ['sha256', 'sha384', 'sha512']) {
      const pss = await client.command('80680740', digest(hash));
      expect(verify(hash, MESSAGE, { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, pss.data)).toBe(true);
    }
    const block = (await client.command('80620721', publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, MESSAGE))).data;
    expect(block.subarray(0, 2).toString('hex')).toBe('0002');
    expect(block.subarray(-MESSAGE.length).equals(MESSAGE)).toBe(true);
  });

  it('uses no key before the PIN, no key that is not there, and never the device’s own', async () => {
    const client = await opened();
    expect((await client.command('80680170', digest('sha256'))).status).toBe('6982');
    await client.verify();
    expect((await client.command('80680170', digest('sha256'))).status).toBe('6a82');
    expect((await client.command('80680070', digest('sha256'))).status).toBe('6a82');
  });

  it('answers a request that its own key and the device have signed, in a chain up to the root', async () => {
    const client = await opened();
    await client.verify();
    const { data } = await client.generate(1, 'prime256v1');
    const [request, authority, signature] = readTlvs(readTlvs(data)[0]!.value);
    expect(authority!.value.toString()).toBe(`${client.card.serial}00000`);
    const device = client.card.memory.keys.get(0)!;
    expect(verify('sha256', Buffer.concat([tlv(0x7f21, request!.value), tlv(0x42, authority!.value)]), { key: device.publicKey, dsaEncoding: 'ieee-p1363' }, signature!.value)).toBe(true);
    const chain = readTlvs(client.card.memory.files.get(0x2f02)!).map(({ value }) => readTlvs(readTlvs(value)[0]!.value));
    const reference = (objects: ReturnType<typeof readTlvs> | undefined, tag: number): string => valueOf(objects ?? [], tag)!.toString();
    expect([reference(chain[0], 0x5f20), reference(chain[0], 0x42), reference(chain[1], 0x5f20), reference(chain[1], 0x42)]).toEqual([`${client.card.serial}00000`, 'XTDICA00001', 'XTDICA00001', 'XTSRCA00001']);
  });
});

describe('key wrapping of the virtual SmartCard-HSM', () => {
  /** RFC 4493 has AES-128 alone; this is SP 800-38B's example D.3 for AES-256. */
  it('authenticates by AES-CMAC', () => {
    const key = createSecretKey(Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')).export();
    const message = Buffer.from('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411', 'hex');
    expect(cmac(key, Buffer.alloc(0)).toString('hex')).toBe('028962f61b7bf89efc6b551f4667d983');
    expect(cmac(key, message.subarray(0, 16)).toString('hex')).toBe('28a7023f452e8f82bd4bf28d8c37c35c');
    expect(cmac(key, message).toString('hex')).toBe('aaf3d8f1de5640c232f5b169b9c911e6');
  });

  const share = Buffer.alloc(32, 0x5a);
  let from: Client;
  let to: Client;
  beforeAll(async () => {
    [from, to] = [await opened({ setUp: { ...SET_UP, dkekShares: 2 } }), await opened({ setUp: { ...SET_UP, dkekShares: 2 } })];
    for (const client of [from, to]) {
      expect((await client.send('8052000000')).data.toString('hex')).toBe('0202'.padEnd(20, '0'));
      expect((await client.command('80520000', share)).data[1]).toBe(1);
      await client.verify();
    }
  });

  it('wraps nothing before all shares are there; then both cards show one key check value', async () => {
    await from.generate(1, 'prime256v1');
    expect((await from.command('80720192', Buffer.alloc(0))).status).toBe('6985');
    const last = Buffer.alloc(32, 0xa5);
    const [one, other] = [await from.command('80520000', last), await to.command('80520000', last)];
    expect(one.data.toString('hex')).toBe(`0200${createHash('sha256').update(Buffer.alloc(32, 0xff)).digest('hex').slice(0, 16)}`);
    expect(other.data).toEqual(one.data);
    expect((await from.command('80520000', last)).status).toBe('6985');
  });

  it.each([...CURVES.map(({ name }) => name), 'rsa:2048', 'rsa:1024'])('%s: what one wrapped is the same key in the other', async (algorithm) => {
    const id = 20 + CURVES.length + [...CURVES.map(({ name }) => name), 'rsa:2048', 'rsa:1024'].indexOf(algorithm);
    await from.generate(id, algorithm);
    const { data } = await from.command(`8072${byte(id)}92`, Buffer.alloc(0));
    expect((await to.command(`8074${byte(id)}93`, data)).status).toBe('9000');
    expect(to.card.memory.keys.get(id)!.publicKey.equals(from.card.memory.keys.get(id)!.publicKey)).toBe(true);
    const [command, content] = algorithm.startsWith('rsa') ? ['33', MESSAGE] : ['70', digest('sha256')];
    const signature = await to.command(`8068${byte(id)}${command}`, content);
    expect(verify('sha256', MESSAGE, createPublicKey(from.card.memory.keys.get(id)!.privateKey), signature.data)).toBe(true);
    expect((await to.command(`8074${byte(id)}93`, data)).status).toBe('6a89');
  });

  it('takes no blob that was changed, or that is for another DKEK', async () => {
    const { data } = await from.command('80720192', Buffer.alloc(0));
    const changed = Buffer.from(data);
    changed[data.length - 20]! ^= 1;
    expect((await to.command('80744093', changed)).status).toBe('6a80');
    expect((await to.command('80744093', data.subarray(0, 40))).status).toBe('6a80');
    const other = await opened({ setUp: { ...SET_UP, dkekShares: 0 } });
    await other.verify();
    expect((await other.command('80744093', data)).status).toBe('6a80');
    expect((await to.command('80744093', data)).status).toBe('9000');
  });

  it('one without DKEK neither imports shares nor wraps', async () => {
    const client = await opened();
    await client.verify();
    await client.generate(1, 'prime256v1');
    expect((await client.send('8052000000')).status).toBe('6d00');
    expect((await client.command('80720192', Buffer.alloc(0))).status).toBe('6d00');
  });
});
