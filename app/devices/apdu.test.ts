import { describe, expect, test } from 'vitest';
import { encode, exchange, type Command } from './apdu.ts';
import { dataOf, statusError, triesIn } from './status-words.ts';
import { codeOf, refusalOf } from '../keystore/testing/calls.ts';

/** Answers one after another, and what was sent. */
function cardOf(...answers: string[]): { sent: string[]; send: (apdu: Buffer) => Promise<Buffer> } {
  const sent: string[] = [];
  return {
    sent,
    async send(apdu) {
      sent.push(apdu.toString('hex'));
      return Buffer.from(answers.shift() ?? '', 'hex');
    },
  };
}

describe('command APDUs', () => {
  test.each<[string, Command, 'short' | 'extended' | 't0', string]>([
    ['case 1', { ins: 0xfb }, 'short', '00fb0000'],
    ['case 2', { ins: 0xfd, le: 0 }, 'short', '00fd000000'],
    ['case 3', { ins: 0x20, p2: 0x80, data: Buffer.from('0102', 'hex') }, 'short', '00200080020102'],
    ['case 4', { cla: 0x80, ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5c017e', 'hex'), le: 256 }, 'short', '80cb3fff035c017e00'],
    ['short where short does', { ins: 1, data: Buffer.of(1), le: 10 }, 'extended', '0001000001010a'],
    ['extended case 2', { ins: 0xb1, le: 0 }, 'extended', '00b10000000000'],
    ['extended case 4', { ins: 0xb1, data: Buffer.of(1), le: 1000 }, 'extended', '00b100000000010103e8'],
    ['T=0 case 1', { ins: 0x20, p2: 0x80 }, 't0', '0020008000'],
    ['T=0 case 2', { ins: 0x84, le: 8 }, 't0', '0084000008'],
    ['T=0 case 3', { ins: 0x20, data: Buffer.of(1, 2) }, 't0', '00200000020102'],
    ['T=0 case 4, without Le', { ins: 0xcb, p1: 0x3f, p2: 0xff, data: Buffer.from('5c017e', 'hex'), le: 0 }, 't0', '00cb3fff035c017e'],
    ['extended case 3', { ins: 0xd7, data: Buffer.alloc(256) }, 'extended', `00d70000000100${'00'.repeat(256)}`],
  ])('%s', (_name, command, length, expected) => {
    expect(encode(command, command.le, length).toString('hex')).toBe(expected);
  });
});

describe('long commands and answers', () => {
  test('chains a long command in blocks of 255 bytes, the answer asked for with the last', async () => {
    const data = Buffer.from(Array.from({ length: 600 }, (_, index) => index & 0xff));
    const card = cardOf('9000', '9000', 'aa9000');
    expect(await exchange(card.send, { cla: 0, ins: 0x87, p1: 7, p2: 0x9a, data, le: 0 }, 'short')).toEqual({ data: Buffer.of(0xaa), sw: 0x9000 });
    expect(card.sent.map((apdu) => apdu.slice(0, 10))).toEqual(['1087079aff', '1087079aff', '0087079a5a']);
    expect(card.sent[0]).toHaveLength(2 * (5 + 255));
    expect(card.sent[2]!.endsWith('00')).toBe(true);
    expect(Buffer.concat(card.sent.map((apdu, at) => Buffer.from(apdu, 'hex').subarray(5, at === 2 ? 5 + 90 : undefined))).equals(data)).toBe(true);
  });

  test('ends a chain that the card refuses', async () => {
    const card = cardOf('6a80', '9000');
    expect(await exchange(card.send, { ins: 0xdb, data: Buffer.alloc(300) }, 'short')).toMatchObject({ sw: 0x6a80 });
    expect(card.sent).toHaveLength(1);
  });

  test('fetches the rest of an answer with GET RESPONSE', async () => {
    const card = cardOf(`${'01'.repeat(256)}6100`, `${'02'.repeat(256)}6103`, '0303039000');
    const { data, sw } = await exchange(card.send, { ins: 0xcb, data: Buffer.of(1), le: 0 }, 'short');
    expect([data.length, sw]).toEqual([515, 0x9000]);
    expect(card.sent.slice(1)).toEqual(['00c0000000', '00c0000003']);
  });

  test('keeps the last status word, and the data before it', async () => {
    const card = cardOf('01026110', '036a82');
    expect(await exchange(card.send, { ins: 0xcb, le: 0 }, 'short')).toEqual({ data: Buffer.of(1, 2, 3), sw: 0x6a82 });
  });

  test('repeats with the length that the card names', async () => {
    const card = cardOf('6c08', '01020304050607089000');
    expect(await exchange(card.send, { ins: 0x84, le: 0 }, 'short')).toMatchObject({ sw: 0x9000 });
    expect(card.sent).toEqual(['0084000000', '0084000008']);
  });

  test('asks for the rest in short commands, also after an extended one', async () => {
    const card = cardOf(`${'01'.repeat(256)}6100`, `${'02'.repeat(4)}9000`);
    expect((await exchange(card.send, { cla: 0x80, ins: 0x58, le: 0 }, 'extended')).data).toHaveLength(260);
    expect(card.sent).toEqual(['80580000000000', '00c0000000']);
  });

  test('over T=0 the answer to a command with data is fetched, and a length that the card names is taken', async () => {
    const card = cardOf('6108', '6c06', '0102030405069000');
    expect(await exchange(card.send, { ins: 0xcb, data: Buffer.of(1), le: 0 }, 't0')).toEqual({ data: Buffer.of(1, 2, 3, 4, 5, 6), sw: 0x9000 });
    expect(card.sent).toEqual(['00cb00000101', '00c0000008', '00c0000006']);
  });

  test('an answer may begin with nothing but that there is more', async () => {
    const card = cardOf('6100', `${'01'.repeat(256)}6100`, `${'02'.repeat(256)}9000`);
    expect((await exchange(card.send, { ins: 0xcb, le: 0 }, 'short')).data).toHaveLength(512);
  });

  test('a card without extended lengths gets short ones, chained', async () => {
    const reading = cardOf('6700', 'cc019000');
    expect(await exchange(reading.send, { cla: 0x80, ins: 0x58, le: 0 }, 'extended')).toEqual({ data: Buffer.from('cc01', 'hex'), sw: 0x9000 });
    expect(reading.sent).toEqual(['80580000000000', '8058000000']);
    const writing = cardOf('6700', '9000', '9000');
    await exchange(writing.send, { ins: 0xd7, data: Buffer.alloc(300) }, 'extended');
    expect(writing.sent.map((apdu) => apdu.slice(0, 10))).toEqual(['00d7000000', '10d70000ff', '00d700002d']);
    // What was short already stays refused: a PIN is not sent a second time.
    const pin = cardOf('6700', '9000');
    expect((await exchange(pin.send, { ins: 0x20, p2: 0x81, data: Buffer.alloc(6) }, 'extended')).sw).toBe(0x6700);
    expect(pin.sent).toHaveLength(1);
  });

  test('in short ones, what is cut off or not put together is refused, and never taken for the whole', async () => {
    const list = { cla: 0x80, ins: 0x58, le: 0 };
    const cut = cardOf('6700', `${'01'.repeat(256)}9000`);
    expect(await refusalOf(exchange(cut.send, list, 'extended'))).toMatchObject({ code: 'CAPABILITY_MISSING', facts: { reason: 'token.reader-too-short' } });
    const told = cardOf('6700', `${'01'.repeat(200)}6138`, `${'01'.repeat(56)}9000`);
    expect((await exchange(told.send, list, 'extended')).data).toHaveLength(256);
    expect(await codeOf(exchange(cardOf('6700', '6700').send, list, 'extended'))).toBe('CAPABILITY_MISSING');
    const long = { ins: 0xd7, data: Buffer.alloc(300) };
    expect(await codeOf(exchange(cardOf('6700', '6884').send, long, 'extended'))).toBe('CAPABILITY_MISSING');
    const says = cardOf('6700', '9000', '9000');
    expect(await codeOf(exchange(says.send, long, 'extended', { chaining: false, extended: true }))).toBe('CAPABILITY_MISSING');
    expect(says.sent).toHaveLength(1);
  });

  test('a card that says that it takes no long ones gets none', async () => {
    const card = cardOf('9000', '9000');
    await exchange(card.send, { ins: 0xd7, data: Buffer.alloc(300) }, 'extended', { chaining: true, extended: false });
    expect(card.sent.map((apdu) => apdu.slice(0, 10))).toEqual(['10d70000ff', '00d700002d']);
  });

  test('refuses an answer without end', async () => {
    const endless = async (): Promise<Buffer> => Buffer.concat([Buffer.alloc(256), Buffer.of(0x61, 0)]);
    expect(await codeOf(exchange(endless, { ins: 0xcb }, 'short'))).toBe('BACKEND_UNAVAILABLE');
    expect(await codeOf(exchange(async () => Buffer.of(0x61, 0x10), { ins: 0xcb }, 'short'))).toBe('BACKEND_UNAVAILABLE');
  });

  test('refuses an answer that is too short to be one, and data that no APDU holds', async () => {
    expect(await codeOf(exchange(cardOf('90').send, { ins: 1 }, 'short'))).toBe('BACKEND_UNAVAILABLE');
    expect(await codeOf(exchange(cardOf().send, { ins: 1, data: Buffer.alloc(65_536) }, 'extended'))).toBe('INVALID_INPUT');
  });
});

describe('status words', () => {
  test('63Cx has the tries left', () => {
    expect(triesIn(0x63c2)).toBe(2);
    expect(triesIn(0x6983)).toBeUndefined();
    expect(statusError(0x63c2, 'The PIN was not accepted')).toMatchObject({ code: 'PIN_INCORRECT', facts: { triesLeft: 2 } });
    expect(statusError(0x63c0, 'The PIN was not accepted')).toMatchObject({ code: 'PIN_BLOCKED', facts: { triesLeft: 0 } });
  });

  test('every word gives a typed error, unknown ones too', () => {
    expect(statusError(0x6a84, 'The certificate was not written')).toMatchObject({ code: 'STORAGE_FULL', facts: { detail: 'The certificate was not written: it has no space left (status 6a84).' } });
    expect(statusError(0x1234, 'It failed').code).toBe('BACKEND_UNAVAILABLE');
    expect(statusError(0x6982, 'It failed', { code: 'PERMISSION_DENIED', remedy: 'Do this.' })).toMatchObject({ code: 'PERMISSION_DENIED', facts: { remedy: 'Do this.' } });
    expect(() => dataOf({ data: Buffer.alloc(0), sw: 0x6d00 }, 'It failed')).toThrow(/does not have that command/);
    expect(dataOf({ data: Buffer.of(1), sw: 0x9000 }, 'It failed')).toEqual(Buffer.of(1));
  });
});
