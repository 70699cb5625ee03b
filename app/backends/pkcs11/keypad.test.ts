import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeywrightError } from '../../contract/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import { refusalOf } from '../../keystore/testing/calls.ts';
import type { ModuleSource } from './source.ts';
import { callOf, misbehaving, missingForMisbehaving, openSource, PIN, SoftHsm, SOFTHSM, tokenIn } from './testing/softhsm.ts';

/** A token on which PINs are entered (CKF_PROTECTED_AUTHENTICATION_PATH), by a small C module over SoftHSM that notes each entry. */
const missing = missingForMisbehaving();
describe.skipIf(missing !== undefined)(`a token with keys of its own for the PIN${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  let hsm: SoftHsm;
  let source: ModuleSource;
  beforeEach(async () => {
    hsm = new SoftHsm().initialise('pad');
    hsm.pkcs11Tool('--token-label', 'pad', '--login', '--pin', PIN, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '01', '--label', 'plain', '--usage-sign');
    hsm.pkcs11Tool('--token-label', 'pad', '--login', '--pin', PIN, '--keypairgen', '--key-type', 'EC:prime256v1', '--id', '02', '--label', 'each', '--usage-sign', '--always-auth');
    source = await openSource(hsm, misbehaving(hsm, 'has a keypad'));
  });
  afterEach(async () => {
    await source[Symbol.asyncDispose]();
    hsm[Symbol.dispose]();
  });
  /** What was entered on its keys since the last look. */
  const entries = (): string[] => {
    const log = join(hsm.folder, 'keypad');
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    rmSync(log, { force: true });
    return lines;
  };
  async function signWith(label: string, call = callOf()): Promise<KeyCall & { asked: readonly unknown[] }> {
    const token = tokenIn(source, 'pad');
    const key = (await token.contents(callOf())).keys.find((one) => one.label === label)!;
    await token.store.signer!.sign({ uri: key.uri, id: key.id, version: 1, label }, 'ecdsa-sha256', { message: Buffer.from('x') }, call);
    return call;
  }

  test('is logged in to there once, and nothing is asked for here but shown', async () => {
    const { asked } = await signWith('plain');
    expect(asked).toMatchObject([{ kind: 'touch', title: 'Sign with “plain”', subject: expect.stringContaining('Enter the PIN on the keys') }]);
    expect(entries()).toEqual(['PIN']);
    expect((await signWith('plain')).asked).toEqual([]);
    expect(entries()).toEqual([]);
  });

  test('does not serve one who entered nothing by what another did', async () => {
    await signWith('plain');
    entries();
    await signWith('plain', callOf({}, { principal: 'token:ci' }));
    expect(entries()).toEqual(['PIN']);
  });

  test('asks for the PIN at each use of a key that wants that', async () => {
    await signWith('each');
    expect(entries()).toEqual(['PIN', 'PIN for one use']);
    expect((await signWith('each')).asked).toHaveLength(1);
    expect(entries()).toEqual(['PIN for one use']);
  });

  test('has its PINs changed, set and itself set up there', async () => {
    const { manage } = tokenIn(source, 'pad');
    await manage.changePin!(callOf());
    await manage.unblockPin!(callOf());
    await manage.changeSoPin!(callOf());
    expect(entries()).toEqual(['PIN and new PIN', 'SO PIN', 'new PIN', 'SO PIN', 'PIN and new PIN']);
    await manage.initialize!({ label: 'anew' }, callOf({ confirm: true }));
    expect(entries()).toEqual(['SO PIN to set up']);
    expect(hsm.tool('pkcs11-tool', '--module', SOFTHSM as string, '-L')).toContain('anew');
  });

  test('a wrong one there is told as such, and taking back what was told ends the call', async () => {
    await source[Symbol.asyncDispose]();
    const { module, environment } = misbehaving(hsm, 'has a keypad');
    source = await openSource(hsm, { module, environment: { ...environment, KEYPAD_PIN: '000000' } });
    expect(await refusalOf(signWith('plain'))).toMatchObject({ code: 'PIN_INCORRECT' });
    const base = callOf();
    const cancelling = { ...base, prompt: { ...base.prompt, ask: () => Promise.reject(new KeywrightError('CANCELLED', 'no')) } };
    expect(await refusalOf(signWith('plain', cancelling))).toMatchObject({ code: 'CANCELLED' });
  });
});
