import { describe, expect, test, vi } from 'vitest';
import { codeOf, refusalOf } from '../keystore/testing/calls.ts';
import { tokenRemoved } from './errors.ts';
import { memoryCard, pcscError } from './testing/memory-link.ts';

const OK = Buffer.of(0x90, 0);
const command = (ins: number) => ({ ins });
const hold = (): PromiseWithResolvers<void> => Promise.withResolvers<void>();

describe('a card', () => {
  test('runs work one piece after another, each in a transaction', async () => {
    const { card, link } = memoryCard(() => OK);
    await Promise.all([
      card.exclusively(async (channel) => { await channel.transmit(command(1)); await channel.transmit(command(2)); }),
      card.exclusively(async (channel) => channel.transmit(command(3))),
    ]);
    expect(link.log).toEqual(['begin', '00010000', '00020000', 'end', 'begin', '00030000', 'end']);
  });

  test('speaks T=0 to a card that does', async () => {
    const { card, link } = memoryCard((apdu) => (apdu[1] === 0xc0 ? Buffer.of(7, 0x90, 0) : Buffer.of(0x61, 1)));
    link.isT0 = true;
    expect(await card.exclusively((channel) => channel.transmit({ ins: 0xcb, data: Buffer.of(1), le: 0 }, 'extended'))).toEqual({ data: Buffer.of(7), sw: 0x9000 });
    expect(link.log).toEqual(['begin', '00cb00000101', '00c0000001', 'end']);
  });

  test('ends the transaction when the work fails, and goes on', async () => {
    const { card, link } = memoryCard(() => OK);
    await expect(card.exclusively(async () => { throw new Error('mine'); })).rejects.toThrow('mine');
    await card.exclusively(async (channel) => channel.transmit(command(3)));
    expect(link.log).toEqual(['begin', 'end', 'begin', '00030000', 'end']);
  });

  test('does not begin work whose caller has given up', async () => {
    const { card, link } = memoryCard(() => OK);
    const given = hold();
    const first = card.exclusively(() => given.promise);
    const up = new AbortController();
    const second = card.exclusively(async (channel) => channel.transmit(command(2)), up.signal);
    up.abort();
    given.resolve();
    await first;
    expect(await codeOf(second)).toBe('CANCELLED');
    expect(link.log).toEqual(['begin', 'end']);
  });

  test('fails what is in flight at once when the token is removed, and gives the connection back when the reader has answered', async () => {
    const answered = hold();
    const { card, link } = memoryCard(async () => { await answered.promise; return OK; });
    const inFlight = card.exclusively(async (channel) => channel.transmit(command(1)));
    const waiting = card.exclusively(async (channel) => channel.transmit(command(2)));
    await vi.waitFor(() => expect(link.log).toContain('00010000'), { timeout: 10_000 });
    card.fail(tokenRemoved());
    expect(await codeOf(inFlight)).toBe('TOKEN_REMOVED');
    expect(await codeOf(waiting)).toBe('TOKEN_REMOVED');
    expect(link.log).toEqual(['begin', '00010000']);
    answered.resolve();
    await vi.waitFor(() => expect(link.log).toEqual(['begin', '00010000', 'leave']), { timeout: 10_000 });
    expect(await codeOf(card.exclusively(async () => undefined))).toBe('TOKEN_REMOVED');
  });

  test.each(['RemovedCard', 'NoSmartCard', 'ReaderUnavailable', 'UnknownReader'])('%s means that the token was removed', async (code) => {
    const lost = vi.fn();
    const { card, link } = memoryCard(() => OK, { onLost: lost });
    link.faults.transmit = [pcscError(code)];
    expect(await codeOf(card.exclusively(async (channel) => channel.transmit(command(1))))).toBe('TOKEN_REMOVED');
    expect(card.failure?.code).toBe('TOKEN_REMOVED');
    expect(lost).toHaveBeenCalledOnce();
  });

  test('a command that broke off is a removal when the card is gone, and a fault when it is not', async () => {
    const gone = memoryCard(() => OK, { isPresent: async () => false });
    gone.link.faults.transmit = [pcscError('NotTransacted')];
    expect(await codeOf(gone.card.exclusively(async (channel) => channel.transmit(command(1))))).toBe('TOKEN_REMOVED');
    const there = memoryCard(() => OK, { isPresent: async () => true });
    there.link.faults.transmit = [pcscError('CommError')];
    expect(await codeOf(there.card.exclusively(async (channel) => channel.transmit(command(1))))).toBe('BACKEND_UNAVAILABLE');
    expect((await there.card.exclusively(async (channel) => channel.transmit(command(1)))).sw).toBe(0x9000);
  });

  test.each(['NotTransacted', 'InvalidParameter', 'UnsupportedFeature'])('a reader that refuses a long command (%s) carries it in short ones, from then on at once', async (code) => {
    const { card, link } = memoryCard((apdu) => {
      if (apdu[4] === 0 && apdu.length === 7) throw pcscError(code);
      return apdu[1] === 0xc0 ? Buffer.of(2, 0x90, 0) : Buffer.of(1, 0x61, 1);
    });
    const list = () => card.exclusively((channel) => channel.transmit({ cla: 0x80, ins: 0x58, le: 0 }, 'extended'));
    expect([await list(), await list()]).toEqual([{ data: Buffer.of(1, 2), sw: 0x9000 }, { data: Buffer.of(1, 2), sw: 0x9000 }]);
    expect(link.log).toEqual(['begin', '80580000000000', '8058000000', '00c0000001', 'end', 'begin', '8058000000', '00c0000001', 'end']);
    link.faults.transmit = [pcscError('CommError')];
    expect(await codeOf(list())).toBe('BACKEND_UNAVAILABLE');
  });

  test('notices that another program reset the card, and tells it by a count', async () => {
    const { card, link } = memoryCard(() => OK);
    link.faults.begin = [pcscError('ResetCard')];
    await card.exclusively(async (channel) => channel.transmit(command(1)));
    expect(link.log).toEqual(['begin', 'reconnect', 'begin', '00010000', 'end']);
    expect(card.resets).toBe(1);
    link.faults.transmit = [pcscError('ResetCard')];
    expect(await codeOf(card.exclusively(async (channel) => channel.transmit(command(2))))).toBe('CONFLICT');
    expect(card.resets).toBe(2);
    expect((await card.exclusively(async (channel) => channel.transmit(command(3)))).sw).toBe(0x9000);
  });

  test('does not wait for ever for another program, and gives back what comes too late', async () => {
    const { card, link } = memoryCard(() => OK, { patience: 20 });
    const theirs = hold();
    link.faults.begin = [theirs.promise];
    const refusal = await refusalOf(card.exclusively(async (channel) => channel.transmit(command(1))));
    expect(refusal).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { detail: expect.stringContaining('held by another program') } });
    expect(await codeOf(card.exclusively(async () => undefined))).toBe('BACKEND_UNAVAILABLE');
    theirs.resolve();
    await vi.waitFor(() => expect(link.log).toEqual(['begin', 'end', 'begin', 'end']), { timeout: 10_000 });
    await card.exclusively(async (channel) => channel.transmit(command(3)));
    expect(link.log).toEqual(['begin', 'end', 'begin', 'end', 'begin', '00030000', 'end']);
  });

  test('a service that stops is no removal', async () => {
    const { card, link } = memoryCard(() => OK);
    link.faults.begin = [pcscError('NoService')];
    expect(await refusalOf(card.exclusively(async () => undefined))).toMatchObject({ code: 'BACKEND_UNAVAILABLE', facts: { remedy: expect.stringContaining('pcscd') } });
  });

  test('closing waits for work that has begun, and refuses what comes later', async () => {
    const { card, link } = memoryCard(() => OK);
    const given = hold();
    const work = card.exclusively(() => given.promise);
    await vi.waitFor(() => expect(link.log).toEqual(['begin']), { timeout: 10_000 });
    const closed = card.close('reset');
    expect(await codeOf(card.exclusively(async () => undefined))).toBe('BACKEND_UNAVAILABLE');
    given.resolve();
    await Promise.all([work, closed]);
    expect(link.log.at(-1)).toBe('reset');
  });

  test('an APDU is wiped once it was sent', async () => {
    const { card, link } = memoryCard(() => OK);
    let sent: Buffer | undefined;
    const transmit = link.transmit.bind(link);
    link.transmit = (apdu) => { sent = apdu; return transmit(apdu); };
    await card.exclusively(async (channel) => channel.transmit({ ins: 0x20, p2: 0x80, data: Buffer.from('123456') }));
    expect(link.log[1]).toBe('0020008006313233343536');
    expect(sent?.every((byte) => byte === 0)).toBe(true);
  });
});

describe('a reader with a keypad', () => {
  const feature = Buffer.from('0604420000420704420000430b0442000044', 'hex');

  test('is found by its features, and verifies a PIN that never comes through here', async () => {
    const { card, link } = memoryCard(() => OK);
    const controls: string[] = [];
    link.features = (code, data) => {
      controls.push(`${code.toString(16)}:${Buffer.from(data).toString('hex')}`);
      return code === 0x4200_0000 + 3400 ? feature : Buffer.of(0x63, 0xc2);
    };
    const pinpad = await card.pinpad();
    const apdu = Buffer.from('0020008008ffffffffffffffff', 'hex');
    expect(await card.exclusively((channel) => pinpad!.verify(channel, { apdu, minDigits: 6, maxDigits: 8 }))).toEqual({ sw: 0x63c2 });
    expect(controls[1]).toBe(`42000042:1e1e8208000806020109040000 00000d0000000020008008ffffffffffffffff`.replaceAll(' ', ''));
  });

  test('changes a PIN with both typed there, where the reader can', async () => {
    const { card, link } = memoryCard(() => OK);
    const controls: string[] = [];
    link.features = (code, data) => {
      controls.push(`${code.toString(16)}:${Buffer.from(data).toString('hex')}`);
      return code === 0x4200_0000 + 3400 ? feature : Buffer.of(0x90, 0);
    };
    const pinpad = await card.pinpad();
    const apdu = Buffer.from(`0024008010${'ff'.repeat(16)}`, 'hex');
    expect(await card.exclusively((channel) => pinpad!.modify!(channel, { apdu, minDigits: 6, maxDigits: 8, newAt: 8 }))).toEqual({ sw: 0x9000 });
    expect(controls[1]).toBe(`42000043:1e1e820800 0008 0806 03 02 03 0904 000102 000000 15000000 0024008010${'ff'.repeat(16)}`.replaceAll(' ', ''));
    const verifying = memoryCard(() => OK);
    verifying.link.features = () => feature.subarray(0, 6);
    expect((await verifying.card.pinpad())?.modify).toBeUndefined();
  });

  test('tells that the person did not answer', async () => {
    const { card, link } = memoryCard(() => OK);
    link.features = (code) => (code === 0x4200_0000 + 3400 ? feature : Buffer.of(0x64, 0x01));
    const pinpad = await card.pinpad();
    expect(await card.exclusively((channel) => pinpad!.verify(channel, { apdu: Buffer.alloc(13), minDigits: 6, maxDigits: 8 }))).toEqual({ ended: 'cancelled', status: '6401' });
  });

  test('a reader without one, or with features that make no sense, has none', async () => {
    expect(await memoryCard(() => OK).card.pinpad()).toBeUndefined();
    const odd = memoryCard(() => OK);
    odd.link.features = () => Buffer.from('06ff', 'hex');
    expect(await odd.card.pinpad()).toBeUndefined();
  });
});
