import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readTlvs, tlv, valueOf } from '../tlv.ts';
import { MANAGEMENT_KEY, opened, PIN } from './testing/client.ts';

const NEW_PIN = '363534333231ffff';

describe('PIN and PUK', () => {
  it('counts wrong PINs down to the block, and asking costs none', async () => {
    const client = await opened({});
    expect(await client.status('00200080')).toBe('63c3');
    expect(await client.status(`0020008008${NEW_PIN}`)).toBe('63c2');
    expect(await client.status('00200080')).toBe('63c2');
    expect(await client.status(`0020008008${PIN}`)).toBe('9000');
    expect(await client.status('00200080')).toBe('9000');
    for (const status of ['63c2', '63c1', '63c0', '6983']) expect(await client.status(`0020008008${NEW_PIN}`)).toBe(status);
    expect(await client.status(`0020008008${PIN}`)).toBe('6983');
    expect(await client.status('00200080')).toBe('6983');
  });

  it('tells the tries of an old NEO as 630X', async () => {
    const client = await opened({ firmware: '3.1.8' });
    expect(await client.status('00200080')).toBe('6303');
  });

  it('never tells more than 15 tries', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    await client.send(`0020008008${PIN}`);
    expect(await client.status('00faff20')).toBe('9000');
    expect(await client.status('00200080')).toBe('63cf');
    expect((await client.send('00f7008000')).data.toString('hex')).toBe('0101ff0501010602ffff');
  });

  it('changes the PIN, unblocks it with the PUK, and asks six to eight ASCII characters of it', async () => {
    const client = await opened({});
    expect(await client.status(`0024008010${PIN}3132333435ffffff`)).toBe('6985');
    expect(await client.status(`0024008010${PIN}${NEW_PIN}`)).toBe('9000');
    expect(await client.status('00200080')).toBe('63c3');
    client.card.blockPin();
    expect(await client.status(`002c0080103132333435363738${PIN}`)).toBe('9000');
    expect(await client.status(`0020008008${PIN}`)).toBe('9000');
    expect(await client.status('002c00801031323334353637393132333435363738')).toBe('63c2');
    // The PUK of 5.7 is text.
    expect(await client.status('002400811031323334353637388080808080808080')).toBe('6985');
  });

  it('sets the retries with PIN and management key alone, and PIN and PUK back to their defaults', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.send(`0024008010${PIN}${NEW_PIN}`);
    await client.send(`0020008008${NEW_PIN}`);
    expect(await client.status('00fa0507')).toBe('6982');
    await client.authenticate();
    expect(await client.status('00fa0507')).toBe('9000');
    expect(await client.status('00200080')).toBe('63c5');
    expect(await client.status(`0020008008${PIN}`)).toBe('9000');
  });

  it('forgets the PIN when another application is selected or power goes, not when PIV is selected again', async () => {
    const client = await opened({});
    const verified = async (): Promise<boolean> => (await client.status('00200080')) === '9000';
    await client.send(`0020008008${PIN}`);
    await client.send('00a40400080102030405060708');
    await client.select();
    expect(await verified()).toBe(true);
    await client.send('00a4040008a000000527471117');
    await client.select();
    expect(await verified()).toBe(false);
    await client.send(`0020008008${PIN}`);
    await client.send('0020ff80');
    expect(await verified()).toBe(false);
    await client.send(`0020008008${PIN}`);
    client.card.powerOn();
    expect(await client.status('00200080')).toBe('6d00');
    await client.select();
    expect(await verified()).toBe(false);
  });

  it('records every PIN by what became of it, and notices one that was refused before', async () => {
    const client = await opened({});
    const { ledger } = client.card;
    ledger.entered('123456');
    await client.send(`0020008008${PIN}`);
    await client.send(`0020008008${NEW_PIN}`);
    expect({ repeats: ledger.repeats, unentered: ledger.unentered, refused: ledger.count('pin', 'refused') }).toEqual({ repeats: 0, unentered: 1, refused: 1 });
    await client.send(`0020008008${NEW_PIN}`);
    expect(ledger.repeats).toBe(1);
    client.card.inserted();
    await client.select();
    await client.send(`0020008008${PIN}`);
    expect(ledger.uses.at(-1)).toMatchObject({ insertion: 2, entered: false, repeated: false, outcome: 'accepted' });
    expect(JSON.stringify(ledger)).not.toContain('123456');
  });

  it('resets only when both are blocked, and leaves the attestation slot alone', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    await client.generate('9a', '11');
    expect(await client.status('00fb0000')).toBe('6985');
    client.card.blockPin();
    expect(await client.status('00fb0000')).toBe('6985');
    client.card.blockPuk();
    expect(await client.status('00fb0000')).toBe('9000');
    expect([...client.card.memory.keys.keys()]).toEqual([0xf9]);
    expect([...client.card.memory.objects.keys()]).toEqual([0x5fff01]);
    expect(await client.status('00200080')).toBe('63c3');
  });
});

describe('the management key', () => {
  it('authenticates both sides, and refuses the wrong key', async () => {
    const client = await opened({ firmware: '5.7.1' });
    expect(await client.authenticate('03')).toBe('6a80');
    expect(await client.authenticate('0a', Buffer.alloc(24, 1))).toBe('6982');
    expect(await client.status('00fa0303')).toBe('6982');
    const { data } = await client.send('00870a9b047c028000');
    const decrypt = createCipheriv('aes-192-ecb', MANAGEMENT_KEY, null).setAutoPadding(false);
    const witness = valueOf(readTlvs(valueOf(readTlvs(data), 0x7c) as Buffer), 0x80) as Buffer;
    // The witness is not the answer to itself.
    expect((await client.command('00870a9b', tlv(0x7c, tlv(0x80, decrypt.update(witness)), tlv(0x81, Buffer.alloc(16))))).status).toBe('6982');
    expect(await client.authenticate('0a')).toBe('9000');
  });

  it('waits for a touch where it was set with one', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    expect(await client.status(`00fffffe1b039b18${MANAGEMENT_KEY.toString('hex')}`)).toBe('9000');
    client.card.touch.timeout = 20;
    expect(await client.authenticate()).toBe('6982');
    client.card.touch.automatic = true;
    expect(await client.authenticate()).toBe('9000');
    expect((await client.send('00f7009b00')).data.toString('hex')).toBe('01010302020002050101');
  });

  it('refuses weak DES keys, wrong lengths and other slots', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    expect(await client.status(`00ffffff1b039b18${'01'.repeat(24)}`)).toBe('6a80');
    expect(await client.status('00ffffff13039b10'.concat('42'.repeat(16)))).toBe('6700');
    expect(await client.status('00ffffff1b039a18'.concat('42'.repeat(24)))).toBe('6a80');
    expect(await client.status('00fffffc1b039b18'.concat('42'.repeat(24)))).toBe('6b00');
  });
});
