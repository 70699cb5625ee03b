import { describe, expect, it } from 'vitest';
import { tlv } from '../tlv.ts';
import { opened, PIN } from './testing/client.ts';

describe('objects and lengths', () => {
  it('keeps what is put, gives protected ones out with the PIN alone, and deletes empty ones', async () => {
    const client = await opened({ firmware: '5.4.3' });
    expect(await client.status('00db3fff0a5c035fc1095303010203')).toBe('6982');
    await client.authenticate();
    expect(await client.status('00db3fff0a5c035fc1095303010203')).toBe('9000');
    expect(await client.status('00cb3fff055c035fc109')).toBe('6982');
    expect(await client.status('00cb3fff055c035fc103')).toBe('6a82');
    await client.send(`0020008008${PIN}`);
    expect((await client.send('00cb3fff055c035fc109')).data.toString('hex')).toBe('5303010203');
    expect(await client.status('00db3fff075c035fc1095300')).toBe('9000');
    expect(await client.status('00cb3fff055c035fc109')).toBe('6a82');
    expect(await client.status('00db3fff0a5c035ec1095303010203')).toBe('6a80');
    expect((await client.send('00cb3fff035c017e')).data.toString('hex')).toBe('7e124f0ba0000003080000100001005f2f024000');
  });

  it('takes long objects chained or at once, gives them out in parts or at once, and refuses longer ones', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    const content = Buffer.alloc(3052, 0x77);
    const put = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from('5c035fc105', 'hex'), tlv(0x53, bytes)]);
    expect((await client.command('00db3fff', put(content))).status).toBe('9000');
    expect((await client.send('00cb3fff055c035fc10500')).data.equals(tlv(0x53, content))).toBe(true);
    const first = Buffer.from(await client.card.transmit(Buffer.from('00cb3fff055c035fc10500', 'hex')));
    expect(first.length).toBe(258);
    expect(first.subarray(-2).toString('hex')).toBe('6100');
    const whole = Buffer.from(await client.card.transmit(Buffer.from('00cb3fff0000055c035fc1050000', 'hex')));
    expect(whole.equals(Buffer.concat([tlv(0x53, content), Buffer.from('9000', 'hex')]))).toBe(true);
    const long = put(Buffer.alloc(3090));
    expect(await client.status(`00db3fff00${long.length.toString(16).padStart(4, '0')}${long.toString('hex')}`)).toBe('6700');
    for (let id = 0x10; id < 0x20; id += 1) await client.command('00db3fff', Buffer.concat([Buffer.of(0x5c, 3, 0x5f, 0xc1, id), tlv(0x53, content)]));
    expect((await client.command('00db3fff', Buffer.concat([Buffer.from('5c035fc120', 'hex'), tlv(0x53, content)]))).status).toBe('6a84');
  });

  it('answers malformed commands with a status word', async () => {
    const client = await opened({ firmware: '5.4.3' });
    await client.authenticate();
    for (const [apdu, status] of [
      ['00', '6700'], ['00cb3fff05', '6a80'], ['00cb3fff055c', '6700'], ['00cb3fff025cff', '6a80'], ['00cb3fff035c03', '6700'], ['00cb3fff045c025fc1', '6a82'],
      ['0047009a03ac0180', '6a80'], ['0047009a05ac03800111', '9000'], ['00471f9a05ac03800111', '6a80'], ['0047009b05ac03800111', '6b00'],
      ['0087119a047c028200', '6a80'], ['80fd0000', '6e00'], ['00010203', '6d00'], ['0020018008' + PIN, '6a86'], ['0020000008' + PIN, '6a88'], ['00200080073132333435363738', '6a80'],
    ] as const) expect(await client.status(apdu), apdu).toBe(status);
  });

  it('answers as a test tells it to', async () => {
    const client = await opened({});
    client.card.misanswer(0xfd, () => Buffer.from('9000', 'hex'));
    expect((await client.send('00fd000000')).data).toHaveLength(0);
    client.card.misanswer(0xfd);
    expect((await client.send('00fd000000')).data).toHaveLength(3);
    expect(client.card.trace.take()).toEqual(['a4', 'fd', 'fd']);
  });
});
