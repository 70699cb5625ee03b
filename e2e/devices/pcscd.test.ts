import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { missingForPcscd, startPcscd, type Pcscd } from './pcscd.ts';
import { missingTools, mustRun, run } from './tools.ts';
import type { VirtualCard } from './vpcd.ts';

const missing = missingForPcscd() ?? missingTools({ 'opensc-tool': 'opensc' });

/** A card that answers with the header that it was sent, and counts how often it got and lost power. */
class EchoCard implements VirtualCard {
  readonly atr = Buffer.from('3b80800101', 'hex');
  on = 0;
  off = 0;
  seen: string[] = [];

  powerOn(): void {
    this.on += 1;
  }

  powerOff(): void {
    this.off += 1;
  }

  transmit(apdu: Uint8Array): Uint8Array {
    this.seen.push(Buffer.from(apdu).toString('hex'));
    return Buffer.concat([apdu.subarray(0, 4), Buffer.of(0x90, 0x00)]);
  }
}

describe.skipIf(missing !== undefined)(`virtual readers behind the real pcscd${missing === undefined ? '' : `: ${missing}`}`, () => {
  let pcscd: Pcscd;
  beforeAll(async () => {
    pcscd = await startPcscd();
  });
  afterEach(async () => {
    for (const reader of pcscd.readers) await reader.remove();
    await vi.waitFor(async () => expect(await list(pcscd)).not.toMatch(/\d\s+Yes/), { timeout: 10_000 });
  });
  afterAll(() => pcscd.stop());

  const ask = (service: Pcscd, slot: number, ...apdus: string[]) =>
    run('opensc-tool', ['-r', String(slot), '-c', 'default', ...apdus.flatMap((apdu) => ['-s', apdu])], { environment: service.environment });
  const list = (service: Pcscd) => mustRun('opensc-tool', ['-l'], { environment: service.environment });

  it('lists two slots of each reader under the names that clients look for', async () => {
    const printed = await list(pcscd);
    for (const { name } of pcscd.readers) expect(printed).toContain(name);
    expect(pcscd.readers.map(({ name }) => name)).toEqual(['Yubico YubiKey OTP+FIDO+CCID 00 00', 'Yubico YubiKey OTP+FIDO+CCID 00 01', 'Nitrokey Nitrokey HSM 00 00', 'Nitrokey Nitrokey HSM 00 01']);
  });

  it('carries commands to the card that is in and answers back', async () => {
    const card = new EchoCard();
    const reader = pcscd.reader('yubikey');
    await reader.insert(card);
    await vi.waitFor(async () => expect(await list(pcscd)).toMatch(/0\s+Yes/), { timeout: 10_000 });
    const long = `00db3fffff${'a5'.repeat(255)}`;
    const { stdout, stderr, status } = await ask(pcscd, 0, '00a40400', long);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('SW1=0x90, SW2=0x00');
    expect(card.seen.slice(-2)).toEqual(['00a40400', long]);
    expect(reader.commands).toBe(card.seen.length);
    expect(card.on).toBeGreaterThan(0);
    await reader.remove();
    expect(card.off).toBe(card.on);
  });

  it('loses the card at the command that it is told, before or after the card saw it', async () => {
    const reader = pcscd.reader('smartcardhsm', 1);
    for (const [point, seen] of [['before', 1], ['after', 2]] as const) {
      const card = new EchoCard();
      await reader.insert(card);
      await vi.waitFor(async () => expect(await list(pcscd)).toMatch(/3\s+Yes/), { timeout: 10_000 });
      reader.pullAt(2, point);
      expect((await ask(pcscd, 3, '00010000', '00020000', '00030000')).status).not.toBe(0);
      expect(card.seen).toHaveLength(seen);
      expect(reader.card).toBeUndefined();
      expect(reader.pullPending).toBe(false);
    }
  });

  it('runs twice at once without either seeing the cards of the other', async () => {
    await using other = await startPcscd({ readers: ['A reader of its own'] });
    await other.readers[0]?.insert(new EchoCard());
    await vi.waitFor(async () => expect(await list(other)).toMatch(/0\s+Yes\s+A reader of its own 00 00/), { timeout: 10_000 });
    expect(await list(pcscd)).not.toMatch(/\d\s+Yes/);
  });

  it('comes back on the same socket with the card still in, after it was stopped', async () => {
    const card = new EchoCard();
    await pcscd.reader('yubikey', 1).insert(card);
    // Stopped while it powers the card on, the service would be gone before it had done so.
    await vi.waitFor(async () => expect(await list(pcscd)).toMatch(/1\s+Yes/), { timeout: 10_000 });
    await pcscd.stop({ keep: true });
    await vi.waitFor(() => expect(card.off).toBe(card.on), { timeout: 10_000 });
    expect((await run('opensc-tool', ['-l'], { environment: pcscd.environment })).stdout).not.toContain('Yubico');
    await pcscd.start();
    await vi.waitFor(async () => expect(await list(pcscd)).toMatch(/1\s+Yes/), { timeout: 10_000 });
  });

  it('refuses a second card in one slot', async () => {
    await pcscd.reader('yubikey').insert(new EchoCard());
    await expect(pcscd.reader('yubikey').insert(new EchoCard())).rejects.toThrow(/A card is in/);
  });
});
