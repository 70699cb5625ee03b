import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine, MAIN } from '../../../e2e/devices/command-line.ts';
import { missingForPcscd, startPcscd, type Pcscd } from '../../../e2e/devices/pcscd.ts';
import { PinLedger } from '../../../e2e/devices/pin-ledger.ts';
import { VirtualSmartCardHsm } from '../../../e2e/devices/smartcardhsm/card.ts';
import { missingTools, mustRun } from '../../../e2e/devices/tools.ts';

/** From outside: a key goes from one SmartCard-HSM to another as docs/smartcard-hsm.md tells it; other people's programs judge. */

const missing = missingForPcscd() ?? missingTools({ openssl: 'openssl', 'sc-hsm-tool': 'opensc' });
const [FIRST, SECOND] = ['smartcardhsm-xthsm100001', 'smartcardhsm-xthsm100002'];

describe.skipIf(missing !== undefined)(`keywright on the command line with two SmartCard-HSMs${missing === undefined ? '' : `: ${missing}`}`, () => {
  let folder: string;
  let pcscd: Pcscd;
  let agent: ChildProcess;
  let over: (path: string, body: object, answers: Record<string, string>) => Promise<{ status: number; body: unknown }>;
  const cards = ['XTHSM100001', 'XTHSM100002'].map((serial) => new VirtualSmartCardHsm({ serial }));
  const path = (name: string): string => join(folder, name);
  const { attempt, keywright, told, judge } = commandLine(path, () => pcscd.environment, { owner: true, deadline: 200_000 });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-smartcardhsm-'));
    for (const [name, content] of Object.entries({ pw: 'correct horse battery staple 42', pin: '648219', wrong: '111111', so: '3537363231383830', dkek: 'a password for the share', 'root.cvc': cards[0]!.authority.root, 'm.txt': 'hello\n' })) writeFileSync(path(name), content, { mode: 0o600 });
    pcscd = await startPcscd({ readers: ['Nitrokey Nitrokey HSM'] });
    for (const [slot, card] of cards.entries()) await pcscd.reader('smartcardhsm', slot).insert(card);
    await keywright('store', 'create');
    // Each command asks for its PIN, as if nobody had used the token before it.
    await keywright('config', 'set', 'tokens.keepPinMinutes', '0');
    // It owns the store for all commands: each by itself would open store and tokens anew.
    agent = spawn(process.execPath, [MAIN, 'serve', '--data-dir', path('data'), '--listen', '127.0.0.1:0'], { env: { ...process.env, ...pcscd.environment }, stdio: ['ignore', 'pipe', 'inherit'] });
    const origin = await addressOf(agent);
    await keywright('store', 'unlock');
    const { token } = await told<{ token: string }>('access', 'grant', '--name', 'rack', '--scope', 'tokens:write');
    over = async (where, body, answers) => {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Keywright-Prompt-Answers': Buffer.from(JSON.stringify(answers)).toString('base64url') };
      const answer = await fetch(`${origin}${where}`, { method: 'POST', headers, body: JSON.stringify(body) });
      return { status: answer.status, body: await answer.json() };
    };
    await keywright('backends', 'configure', 'smartcardhsm', '--set', `attestationRoots=${path('root.cvc')}`);
  });
  afterAll(async () => {
    const ended = once(agent, 'close');
    agent.kill();
    await ended;
    await pcscd.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('a card that was never set up says so, and how', async () => {
    const { status } = await told<{ status: { initialised: boolean; findings: { code: string; remedy: string }[] } }>('tokens', 'show', FIRST);
    expect(status).toMatchObject({ initialised: false, findings: [{ code: 'smartcardhsm.not-initialised', remedy: expect.stringContaining('keywright tokens initialize') }] });
  });

  test('a share made here and one of sc-hsm-tool, whose password is split, make up the DKEK of both: by command and over REST', async () => {
    for (const token of [FIRST, SECOND]) await keywright('tokens', 'initialize', token, '--label', 'Backup', '--dkek-shares', '2', '--new-pin-file', path('pin'), '--new-so-pin-file', path('so'));
    await keywright('tokens', 'dkek', 'create-share', FIRST, '--dkek-password-file', path('dkek'), '--out', path('share.pbe'));
    expect(await told('tokens', 'dkek', 'import-share', FIRST, path('share.pbe'), '--dkek-password-file', path('dkek'))).toMatchObject({ outstanding: 1 });
    const [one, two] = cards.map(({ memory }) => memory);
    // As if the other card had taken the same share: a password is stretched for ten seconds.
    Object.assign(two!, { dkek: structuredClone(one!.dkek) });
    const parts = partsIn(await mustRun('sc-hsm-tool', ['--reader', '0', '--create-dkek-share', path('theirs.pbe'), '--pwd-shares-threshold', '2', '--pwd-shares-total', '3'], { environment: { ...pcscd.environment, TERM: 'dumb' }, input: '\n'.repeat(20), deadline: 200_000 }));
    expect(parts).toHaveLength(3);
    const share = { share: readFileSync(path('theirs.pbe')).toString('base64url'), passwordParts: 2 };
    const refused = await over(`/v1/tokens/${SECOND}/dkek/import`, share, { 'dkek-password': parts[0]! });
    expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_INPUT' } });
    const { status, body } = await over(`/v1/tokens/${SECOND}/dkek/import`, share, { 'dkek-password': `${parts[2]}\n${parts[0]}` });
    expect({ status, body }).toMatchObject({ status: 200, body: { outstanding: 0, keyCheckValue: expect.stringMatching(/^[0-9A-F]{16}$/) } });
    Object.assign(one!, { dkek: structuredClone(two!.dkek) });
    const { keyCheckValue } = body as { keyCheckValue: string };
    expect(await judge('sc-hsm-tool', '--reader', '1')).toMatch(new RegExp(`DKEK key check value +: ${keyCheckValue}`));
    const shown = await told<{ status: { details: { name: string; value: string }[] } }>('tokens', 'show', FIRST);
    const facts = shown.status.details.map(({ name, value }) => `${name}: ${value}`).join('\n');
    expect(facts).toContain(keyCheckValue);
    expect(facts).toMatch(/[Dd]evice certificate/);
  });

  test('over REST no share with a split password is made: its parts are shown to people alone', async () => {
    expect(await over(`/v1/tokens/${FIRST}/dkek/shares`, { threshold: 2, total: 3 }, { 'new-dkek-password': 'a password for the share' })).toMatchObject({ body: { code: 'PIN_REQUIRED', remedy: 'Do this in the window or on a terminal.' } });
  });

  test('a key is made on the first, and the card vouches for it', async () => {
    const key = await told('keys', 'generate', '--backend', FIRST, '--algorithm', 'ec-p256', '--label', 'Release signing', '--slot', '01', '--pin-file', path('pin'));
    expect(key).toMatchObject({ algorithm: 'ec-p256', hardware: { slot: '01', touchPolicy: 'never', madeOnDevice: null } });
    expect(await told('tokens', 'attest', FIRST, '01')).toMatchObject({ verified: true, problems: [] });
  });

  test('wrapped there and unwrapped on the second, it signs, and openssl verifies with the public key of the first', async () => {
    await keywright('tokens', 'wrap-key', FIRST, '01', '--pin-file', path('pin'), '--out', path('key.wrapped'));
    await keywright('tokens', 'unwrap-key', SECOND, path('key.wrapped'), '--label', 'Restored', '--pin-file', path('pin'));
    await keywright('keys', 'public', 'Release signing', '--format', 'pem', '--out', path('first.pem'));
    await keywright('keys', 'sign', 'Restored', '--algorithm', 'ecdsa-sha256', '--in', path('m.txt'), '--out', path('sig.der'), '--pin-file', path('pin'));
    expect(await judge('openssl', 'dgst', '-sha256', '-verify', path('first.pem'), '-signature', path('sig.der'), path('m.txt'))).toContain('Verified OK');
  });

  test('set up again destroys what is in it: --yes is no answer, and nothing happens', async () => {
    const { status, stderr } = await attempt('tokens', 'initialize', FIRST, '--label', 'Again', '--so-pin-file', path('so'), '--new-pin-file', path('pin'), '--new-so-pin-file', path('so'), '--yes');
    expect([status, stderr]).toEqual([6, expect.stringContaining('confirm')]);
    expect(cards[0]!.memory.keys.size).toBe(2);
    expect(cards[0]!.ledger.count('so-pin', 'accepted')).toBe(0);
  });

  test('sc-hsm-tool unwraps the same file', async () => {
    PinLedger.typed(readFileSync(path('pin'), 'utf8'));
    await judge('sc-hsm-tool', '--reader', '1', '--unwrap-key', path('key.wrapped'), '--key-reference', '9', '--pin', readFileSync(path('pin'), 'utf8'));
    const { slots } = await told<{ slots: { state: string }[] }>('tokens', 'slots', SECOND, '--refresh');
    expect(slots.filter(({ state }) => state === 'key')).not.toHaveLength(0);
  });

  test('a wrong PIN costs one try and tells those left', async () => {
    const { status, stderr } = await attempt('keys', 'sign', 'Restored', '--algorithm', 'ecdsa-sha256', '--in', path('m.txt'), '--out', path('never.sig'), '--pin-file', path('wrong'));
    expect([status, stderr]).toEqual([6, expect.stringContaining('2 tries left')]);
    await keywright('tokens', 'unblock-pin', SECOND, '--so-pin-file', path('so'), '--new-pin-file', path('pin'));
  });

  test('over all this no card saw a PIN again that it had refused', () => {
    expect(cards.map(({ ledger }) => ledger.repeats)).toEqual([0, 0]);
    expect(cards.map(({ ledger }) => ledger.count('pin', 'refused'))).toEqual([0, 1]);
  });
});

/** What each custodian is shown. */
function partsIn(said: string): string[] {
  return [...said.matchAll(/Prime\s*: \S+\s+Share ID\s*: \d+\s+Share value\s*: \S+/g)].map(([part]) => part);
}

/** @returns where it listens. */
function addressOf(agent: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: agent.stdout! }).on('line', (line) => {
      const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? [];
      if (address !== undefined) resolve(address);
    });
    agent.once('close', () => reject(new Error('The agent ended.')));
  });
}
