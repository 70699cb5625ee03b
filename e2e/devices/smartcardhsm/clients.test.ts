import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForPcscd, SMARTCARD_HSM_READER, startPcscd, type Pcscd } from '../pcscd.ts';
import { findLibrary, missingTools, mustRun, run } from '../tools.ts';
import { VirtualSmartCardHsm } from './card.ts';
import { OFFICER_PIN, PIN, SET_UP } from './testing/client.ts';

const MODULE = findLibrary('opensc-pkcs11.so');
const missing = missingForPcscd() ?? missingTools({ 'sc-hsm-tool': 'opensc', 'pkcs11-tool': 'opensc', 'pkcs15-tool': 'opensc', openssl: 'openssl' }) ?? (MODULE === undefined ? 'no opensc-pkcs11.so (Debian package opensc-pkcs11)' : undefined);
/** sc-hsm-tool derives a key from the password of a DKEK share in some 15 s. */
const PATIENCE = 240_000;

describe.skipIf(missing !== undefined)(`OpenSC and the virtual SmartCard-HSM${missing === undefined ? '' : `: ${missing}`}`, () => {
  let pcscd: Pcscd;
  let folder: string;
  const first = new VirtualSmartCardHsm();
  const second = new VirtualSmartCardHsm({ setUp: SET_UP });
  const tool = (command: string, ...args: string[]): Promise<string> => mustRun(command, args, { environment: pcscd.environment, deadline: 120_000 });
  const pkcs11 = (slot: number, ...args: string[]): Promise<string> => tool('pkcs11-tool', '--module', MODULE ?? '', '--slot-index', String(slot), ...args);
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-hsm-'));
    pcscd = await startPcscd({ readers: [SMARTCARD_HSM_READER] });
    await pcscd.reader('smartcardhsm', 0).insert(first);
    await pcscd.reader('smartcardhsm', 1).insert(second);
  });
  afterAll(async () => {
    await pcscd.stop();
    rmSync(folder, { recursive: true });
  });

  it('sc-hsm-tool initialises it, and tells what it is', async () => {
    expect(await tool('sc-hsm-tool', '-r', '0')).toContain('never been initialized');
    for (const reader of ['0', '1']) await tool('sc-hsm-tool', '-r', reader, '--initialize', '--so-pin', OFFICER_PIN, '--pin', PIN, '--dkek-shares', '1', '--label', `Card ${reader}`);
    const info = await tool('sc-hsm-tool', '-r', '0');
    for (const line of ['Version              : 3.5', 'SO-PIN tries left    : 15', 'User PIN tries left  : 3', '1 share(s) still missing', 'User PIN reset with SO-PIN enabled']) expect(info).toContain(line);
    expect(await tool('pkcs15-tool', '--reader', '0', '-D')).toMatch(new RegExp(`PKCS#15 Card \\[Card 0\\][^]*Serial number +: ${first.serial}`));
  });

  it('sc-hsm-tool makes a DKEK share, and imports it', async () => {
    await tool('sc-hsm-tool', '-r', '0', '--create-dkek-share', file('share.pbe'), '--password', 'a long password');
    const said = await tool('sc-hsm-tool', '-r', '0', '--import-dkek-share', file('share.pbe'), '--password', 'a long password');
    const value = /DKEK key check value : ([0-9A-F]{16})/.exec(said)?.[1];
    expect(value).toBeDefined();
    // As if it had been imported there too: the tool stretches a password for twenty seconds each time.
    Object.assign(second.memory, { dkek: structuredClone(first.memory.dkek) });
    expect(await tool('sc-hsm-tool', '-r', '1')).toContain(value);
  }, PATIENCE);

  it('pkcs11-tool makes keys; what sc-hsm-tool wraps on one card and unwraps on the other signs for the same public key', async () => {
    writeFileSync(file('message'), 'by either card');
    for (const [id, type, mechanism, options] of [['11', 'EC:prime256v1', 'ECDSA-SHA256', ['--signature-format', 'openssl']], ['12', 'rsa:2048', 'SHA256-RSA-PKCS', []]] as const) {
      await pkcs11(0, '--login', '--pin', PIN, '--keypairgen', '--key-type', type, '--label', `Key ${id}`, '--id', id);
      const reference = /Key ref +: (\d+)/.exec((await tool('pkcs15-tool', '--reader', '0', '-k')).split('Private').find((text) => text.includes(`Key ${id}`)) ?? '')?.[1] ?? '';
      await tool('sc-hsm-tool', '-r', '0', '--wrap-key', file(`key-${id}`), '--key-reference', reference, '--pin', PIN);
      expect(await tool('sc-hsm-tool', '-r', '1', '--unwrap-key', file(`key-${id}`), '--key-reference', reference, '--pin', PIN)).toContain('Key successfully imported');
      await pkcs11(0, '--read-object', '--type', 'pubkey', '--id', id, '--output-file', file('public.der'));
      for (const slot of [0, 1]) {
        await pkcs11(slot, '--login', '--pin', PIN, '--sign', '--mechanism', mechanism, ...options, '--id', id, '--input-file', file('message'), '--output-file', file('signature'));
        const verdict = execFileSync('openssl', ['dgst', '-sha256', '-verify', file('public.der'), '-keyform', 'DER', '-signature', file('signature'), file('message')], { encoding: 'utf8' });
        expect(verdict).toContain('Verified OK');
      }
    }
  }, PATIENCE);

  it('pkcs11-tool signs by PSS, decrypts and agrees', async () => {
    await pkcs11(0, '--read-object', '--type', 'pubkey', '--id', '12', '--output-file', file('rsa.der'));
    writeFileSync(file('digest'), createHash('sha256').update(readFileSync(file('message'))).digest());
    await pkcs11(0, '--login', '--pin', PIN, '--sign', '--mechanism', 'RSA-PKCS-PSS', '--hash-algorithm', 'SHA256', '--mgf', 'MGF1-SHA256', '--id', '12', '--input-file', file('digest'), '--output-file', file('pss'));
    expect(execFileSync('openssl', ['dgst', '-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest', '-verify', file('rsa.der'), '-keyform', 'DER', '-signature', file('pss'), file('message')], { encoding: 'utf8' })).toContain('Verified OK');
    execFileSync('openssl', ['pkeyutl', '-encrypt', '-pubin', '-keyform', 'DER', '-inkey', file('rsa.der'), '-in', file('message'), '-out', file('encrypted')]);
    await pkcs11(0, '--login', '--pin', PIN, '--decrypt', '--mechanism', 'RSA-PKCS', '--id', '12', '--input-file', file('encrypted'), '--output-file', file('decrypted'));
    expect(readFileSync(file('decrypted'), 'utf8')).toBe('by either card');
    execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file('peer.pem')]);
    execFileSync('openssl', ['pkey', '-in', file('peer.pem'), '-pubout', '-outform', 'DER', '-out', file('peer.der')]);
    await pkcs11(0, '--read-object', '--type', 'pubkey', '--id', '11', '--output-file', file('ec.der'));
    await pkcs11(0, '--login', '--pin', PIN, '--derive', '--mechanism', 'ECDH1-DERIVE', '--id', '11', '--input-file', file('peer.der'), '--output-file', file('secret'));
    execFileSync('openssl', ['pkey', '-pubin', '-inform', 'DER', '-in', file('ec.der'), '-out', file('ec.pem')]);
    execFileSync('openssl', ['pkeyutl', '-derive', '-inkey', file('peer.pem'), '-peerkey', file('ec.pem'), '-out', file('expected')]);
    expect(readFileSync(file('secret'))).toEqual(readFileSync(file('expected')));
  });

  it('pkcs11-tool deletes a key, and puts a certificate beside another', async () => {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', file('other.pem'), '-subj', '/CN=Beside', '-outform', 'DER', '-out', file('cert.der')]);
    await pkcs11(0, '--login', '--pin', PIN, '--write-object', file('cert.der'), '--type', 'cert', '--id', '11', '--label', 'Beside');
    expect(await pkcs11(0, '--list-objects', '--type', 'cert')).toContain('Beside');
    await pkcs11(0, '--login', '--pin', PIN, '--delete-object', '--type', 'privkey', '--id', '12');
    expect(await pkcs11(0, '--login', '--pin', PIN, '--list-objects', '--type', 'privkey')).not.toContain('Key 12');
  });

  it('pkcs11-tool changes the PIN and unblocks it', async () => {
    await pkcs11(1, '--login', '--pin', PIN, '--change-pin', '--new-pin', '12345678');
    second.blockPin();
    await pkcs11(1, '--login', '--login-type', 'so', '--so-pin', OFFICER_PIN, '--init-pin', '--new-pin', '654321');
    expect((await run('pkcs11-tool', ['--module', MODULE ?? '', '--slot-index', '1', '--login', '--pin', '654321', '--list-objects'], { environment: pcscd.environment })).status).toBe(0);
    expect([first.ledger.repeats, second.ledger.repeats]).toEqual([0, 0]);
  });
});
