import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, createPublicKey, randomUUID, verify } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { missingForPcscd, startPcscd, type Pcscd } from '../../../e2e/devices/pcscd.ts';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { KEY_ALGORITHMS } from '../../contract/index.ts';
import { Readers } from '../../devices/index.ts';
import type { KeyCall, KeyDescription } from '../../keystore/keystore.ts';
import { callFor, codeOf } from '../../keystore/testing/calls.ts';
import type { Token, TokenEvent } from '../../keystore/tokens.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import type { Storage } from '../../storage/storage.ts';
import { YubiKeySource } from './source.ts';

const missing = missingForPcscd();
const PATIENCE = { timeout: 30_000 };
const PIN = '123456';
const digest = createHash('sha256').update('x').digest();

describe.skipIf(missing !== undefined)(`YubiKeys in real readers${missing === undefined ? '' : `: ${missing}`}`, () => {
  let pcscd: Pcscd;
  let storage: Storage;
  let source: YubiKeySource;
  let events: string[];

  beforeAll(async () => {
    pcscd = await startPcscd();
    process.env['PCSCLITE_CSOCK_NAME'] = pcscd.socket;
  });
  afterAll(() => pcscd.stop());
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    for (const reader of pcscd.readers) await reader.remove();
  });

  async function open(): Promise<YubiKeySource> {
    storage = await memoryKind.open({ folder: randomUUID(), create: true });
    source = new YubiKeySource('yubikey', {}, { storage, keepPinMinutes: () => 15 }, new Readers());
    events = [];
    source.onChange((event: TokenEvent) => events.push(event.type === 'inserted' ? `inserted ${event.token.facts.id}` : event.type === 'findings' ? 'findings' : `${event.type} ${event.id}`));
    await source.ready();
    return source;
  }
  const call = (answers: Record<string, string> = { pin: PIN }, options: { signal?: AbortSignal } = {}): KeyCall => ({ ...callFor(storage, { ...options, answer: (request) => answers[request.purpose] ?? '' }), id: randomUUID() });
  const generate = (token: Token, slot = '9a'): Promise<KeyDescription> => token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot, usages: KEY_ALGORITHMS['ec-p256'].usages }, call());
  const sign = (token: Token, { uri, id }: KeyDescription, how?: KeyCall): Promise<Uint8Array> => token.store.signer!.sign({ uri, id, version: 1 }, 'ecdsa-sha256', { digest }, how ?? call());
  const only = (): Token => source.tokens()[0]!;
  const arrives = (id: string): Promise<void> => vi.waitFor(() => expect(source.tokens().map(({ facts }) => facts.id)).toContain(id), PATIENCE);

  test('one that is in when the source opens is there, with a key that signs', async () => {
    const card = new VirtualYubiKey({ serial: 1001 });
    await pcscd.reader('yubikey').insert(card);
    await open();
    await arrives('yubikey-1001');
    const key = await generate(only());
    const signature = await sign(only(), key);
    expect(verify('sha256', Buffer.from('x'), createPublicKey({ key: Buffer.from(key.versions[0]!.publicKey!), format: 'der', type: 'spki' }), signature)).toBe(true);
  });

  test('comes, goes, and comes back in another reader as the same token, its PIN forgotten', async () => {
    await open();
    const card = new VirtualYubiKey({ serial: 1002 });
    await pcscd.reader('yubikey').insert(card);
    await arrives('yubikey-1002');
    const first = only();
    const key = await generate(first);
    card.ledger.entered(PIN);
    await sign(first, key);
    await pcscd.reader('yubikey').remove();
    await vi.waitFor(() => expect(events).toContain('removed yubikey-1002'), PATIENCE);
    expect(await codeOf(sign(first, key))).toBe('TOKEN_REMOVED');
    await pcscd.reader('yubikey', 1).insert(card);
    await arrives('yubikey-1002');
    expect(only().facts.reader).toContain('01');
    expect(await codeOf(sign(only(), key, { ...callFor(storage), id: randomUUID() }))).toBe('PIN_REQUIRED');
    card.ledger.entered(PIN);
    await sign(only(), key);
    expect(card.ledger).toMatchObject({ repeats: 0, unentered: 0 });
  });

  test('several at once are told apart', async () => {
    await open();
    const [one, two] = [new VirtualYubiKey({ serial: 1003 }), new VirtualYubiKey({ serial: 1004, firmware: '5.4.3' })];
    await pcscd.reader('yubikey').insert(one);
    await pcscd.reader('yubikey', 1).insert(two);
    await arrives('yubikey-1003');
    await arrives('yubikey-1004');
    const [a, b] = [source.tokens().find(({ facts }) => facts.serial === '1003')!, source.tokens().find(({ facts }) => facts.serial === '1004')!];
    const [keyA, keyB] = [await generate(a), await generate(b)];
    await Promise.all([sign(a, keyA), sign(b, keyB)]);
    expect(await codeOf(sign(a, keyB))).toBe('NOT_FOUND');
  });

  test('two of one serial: the second is not used and a finding says so, until the first is gone', async () => {
    await open();
    await pcscd.reader('yubikey').insert(new VirtualYubiKey({ serial: 1005 }));
    await arrives('yubikey-1005');
    await pcscd.reader('yubikey', 1).insert(new VirtualYubiKey({ serial: 1005 }));
    await vi.waitFor(() => expect(source.findings().map(({ code }) => code)).toContain('yubikey.same-serial'), PATIENCE);
    expect(source.tokens()).toHaveLength(1);
    await pcscd.reader('yubikey').remove();
    await vi.waitFor(() => expect(source.tokens().map(({ facts }) => facts.reader)).toEqual([expect.stringContaining('01')]), PATIENCE);
    expect(source.findings().map(({ code }) => code)).not.toContain('yubikey.same-serial');
  });

  test('what is in flight when it is pulled ends with TOKEN_REMOVED', async () => {
    await open();
    const card = new VirtualYubiKey({ serial: 1006 });
    await pcscd.reader('yubikey').insert(card);
    await arrives('yubikey-1006');
    const token = only();
    const key = await token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages: KEY_ALGORITHMS['ec-p256'].usages, pinPolicy: 'never', touchPolicy: 'always' }, call());
    const waiting = sign(token, key);
    await card.touch.whenWaiting();
    const queued = sign(token, key);
    await pcscd.reader('yubikey').remove();
    expect(await codeOf(waiting)).toBe('TOKEN_REMOVED');
    expect(await codeOf(queued)).toBe('TOKEN_REMOVED');
  });

  test('a stopped service is a finding, and its restart brings the token back', async () => {
    await open();
    await pcscd.reader('yubikey').insert(new VirtualYubiKey({ serial: 1007 }));
    await arrives('yubikey-1007');
    const key = await generate(only());
    await pcscd.stop({ keep: true });
    await vi.waitFor(() => expect(source.findings().map(({ code }) => code)).toContain('pcsc.no-service'), PATIENCE);
    expect(source.tokens()).toEqual([]);
    await pcscd.start();
    await arrives('yubikey-1007');
    expect(source.findings().map(({ code }) => code)).not.toContain('pcsc.no-service');
    await sign(only(), key);
  });

  test('the card is reset when the source closes after a PIN was entered, and left as it is else', async () => {
    const card = new VirtualYubiKey({ serial: 1010 });
    await pcscd.reader('yubikey').insert(card);
    await open();
    await arrives('yubikey-1010');
    // Another program's connection keeps the card on power, so that what is seen is ours.
    const other = await hold(pcscd.reader('yubikey').name, pcscd.environment, 2);
    onTestFinished(() => void other.shell.kill());
    const power = vi.spyOn(card, 'powerOff');
    await source[Symbol.asyncDispose]();
    expect(power).not.toHaveBeenCalled();
    await open();
    await arrives('yubikey-1010');
    await sign(only(), await generate(only()));
    await source[Symbol.asyncDispose]();
    await vi.waitFor(() => expect(power).toHaveBeenCalled(), PATIENCE);
  });

  test('a card of another kind is left alone', async () => {
    await open();
    const strange = { atr: Buffer.from('3b80800101', 'hex'), powerOn() {}, powerOff() {}, transmit: () => Buffer.from('6a82', 'hex') };
    await pcscd.reader('yubikey').insert(strange);
    await pcscd.reader('yubikey', 1).insert(new VirtualYubiKey({ serial: 1008 }));
    await arrives('yubikey-1008');
    expect(source.tokens()).toHaveLength(1);
    expect(source.findings().filter(({ code }) => code.startsWith('yubikey.'))).toEqual([]);
  });

  test('one that another program keeps to itself is a finding that names it, and is there when that lets go', async () => {
    await pcscd.reader('yubikey').insert(new VirtualYubiKey({ serial: 1009 }));
    const holder = await hold(pcscd.reader('yubikey').name, pcscd.environment);
    onTestFinished(() => void holder.shell.kill());
    await open();
    await vi.waitFor(() => expect(source.findings()).toContainEqual(expect.objectContaining({ code: 'pcsc.card-held', detail: expect.stringContaining(holder.pid) })), PATIENCE);
    expect(source.tokens()).toEqual([]);
    const ended = once(holder.shell, 'close');
    holder.shell.stdin!.end();
    await ended;
    await arrives('yubikey-1009');
  });
});

/** Another program that uses a card, until its standard input ends; a shell's child, since our own are no other programs. @param mode 1: alone; 2: shared (PC/SC part 5 §3.1). */
async function hold(reader: string, environment: Readonly<Record<string, string>>, mode: 1 | 2 = 1): Promise<{ readonly shell: ChildProcess; readonly pid: string }> {
  const program = `
    import addon from 'pcsc-mini/build/addon.node.js';
    const client = (addon.default ?? addon).newClient();
    const session = await client.connect(process.argv[1], Number(process.argv[2]));
    console.log(process.pid);
    process.stdin.resume();
    process.stdin.on('end', async () => { await session.disconnect(0); process.exit(0); });
  `;
  const shell = spawn('sh', ['-c', 'exec 3<&0; "$0" "$@" <&3 & exec 3<&-; wait', process.execPath, '--input-type=module', '-e', program, reader, String(mode)], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...environment } });
  const [said] = await once(shell.stdout!, 'data') as [Buffer];
  return { shell, pid: said.toString().trim() };
}
