import { describe, expect, it } from 'vitest';
import { readTlvs, valueOf } from '../tlv.ts';
import { VirtualYubiKey } from './card.ts';
import { opened } from './testing/client.ts';

describe('what each firmware has', () => {
  it.each([
    // firmware, PIV version, metadata, serial, attestation, move key
    ['3.1.8', '000103', '6d00', '6d00', '6d00', '6d00'],
    ['3.4.9', '010004', '6d00', '6d00', '6d00', '6d00'],
    ['4.2.8', '040208', '6d00', '6d00', '6d00', '6d00'],
    ['4.3.5', '040305', '6d00', '6d00', '6a80', '6d00'],
    ['5.2.7', '050207', '6d00', '9000', '6a80', '6d00'],
    ['5.3.0', '050300', '9000', '9000', '6a80', '6d00'],
    ['5.4.3', '050403', '9000', '9000', '6a80', '6d00'],
    ['5.7.1', '050701', '9000', '9000', '6a80', '6982'],
  ])('%s', async (firmware, version, metadata, serial, attestation, move) => {
    const client = await opened({ firmware, serial: 12345678 });
    expect((await client.must('00a4040005a000000308')).toString('hex')).toBe('61114f0600001000010079074f05a000000308');
    expect((await client.send('00fd000000')).data.toString('hex')).toBe(version);
    expect(await client.status('00f7008000')).toBe(metadata);
    expect(await client.status('00f8000000')).toBe(serial);
    expect(await client.status('00f99a0000')).toBe(attestation);
    expect(await client.status('00f6ff9a00')).toBe(move);
  });

  it.each([
    ['3.4.9', '03', ['06', '07', '11']],
    ['4.3.5', '03', ['06', '07', '11', '14']],
    ['5.4.3', '03', ['06', '07', '11', '14']],
    ['5.7.1', '0a', ['06', '07', '11', '14', '05', '16', 'e0', 'e1']],
  ])('%s has a management key of algorithm %s and refuses every algorithm but %s', async (firmware, management, offered) => {
    const client = await opened({ firmware });
    expect(await client.authenticate(management)).toBe('9000');
    for (const algorithm of ['06', '07', '11', '14', '05', '16', 'e0', 'e1']) {
      // The slow ones are generated elsewhere; here an import with nothing in it tells whether the algorithm is known before what is missing.
      if (offered.includes(algorithm) && !['11', '14', 'e0', 'e1'].includes(algorithm)) continue;
      expect((await client.generate('9a', algorithm)).status, algorithm).toBe(offered.includes(algorithm) ? '9000' : '6a80');
    }
  });

  it('names no firmware that no YubiKey with PIV has', () => {
    for (const firmware of ['2.4.0', '6.0.0', '5.7', 'five', '5.7.1.1', '5.7.-1']) expect(() => new VirtualYubiKey({ firmware })).toThrow(RangeError);
  });

  it('has retired slots from the 4 on, and cached touch from 4.3', async () => {
    const neo = await opened({ firmware: '3.4.9' });
    await neo.authenticate();
    expect((await neo.generate('82', '11')).status).toBe('6b00');
    // A NEO passes over the policies that it does not know.
    expect((await neo.generate('9a', '11', 'aa0101ab0103')).status).toBe('9000');
    expect(neo.card.memory.keys.get(0x9a)).toMatchObject({ pinPolicy: 2, touchPolicy: 1 });
    for (const [firmware, status] of [['4.2.8', '6a80'], ['4.3.5', '9000']] as const) {
      const client = await opened({ firmware });
      await client.authenticate();
      expect((await client.generate('95', '11', 'ab0103')).status).toBe(status);
    }
  });

  it('takes an AES management key from 5.4.2 on', async () => {
    const aes = '0c9b20'.concat('42'.repeat(32));
    for (const [firmware, status] of [['5.2.7', '6a80'], ['5.4.3', '9000']] as const) {
      const client = await opened({ firmware });
      await client.authenticate();
      expect(await client.status(`00ffffff23${aes}`)).toBe(status);
    }
  });

  it('takes extended lengths from the 4 on', async () => {
    expect(await (await opened({ firmware: '3.4.9' })).status('00cb3fff0000055c035fc1020000')).toBe('6700');
    expect(await (await opened({ firmware: '4.3.5' })).status('00cb3fff0000055c035fc1020000')).toBe('6a82');
  });

  it('tells serial number and firmware in the other applications', async () => {
    const neo = await opened({ firmware: '3.4.9', serial: 1234567 });
    expect((await neo.send('00a4040008a000000527200101')).data.subarray(0, 3).toString('hex')).toBe('030409');
    expect((await neo.send('0001100000')).data.readUInt32BE()).toBe(1234567);
    expect((await neo.send('00a4040008a000000527471117')).data.toString()).toBe('Virtual mgr - FW version 3.4.9');
    expect(await neo.status('001d000000')).toBe('6d00');
    const four = await opened({ firmware: '4.3.5', serial: 7654321 });
    await four.send('00a4040008a000000527471117');
    const config = (await four.send('001d000000')).data;
    expect(config[0]).toBe(config.length - 1);
    expect(valueOf(readTlvs(config.subarray(1)), 0x02)?.readUInt32BE()).toBe(7654321);
  });
});
