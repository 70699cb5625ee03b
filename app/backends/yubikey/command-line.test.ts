import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandLine } from '../../../e2e/devices/command-line.ts';
import { missingForPcscd, startPcscd, type Pcscd } from '../../../e2e/devices/pcscd.ts';
import { findLibrary, missingTools, run, type Outcome } from '../../../e2e/devices/tools.ts';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';

/** From outside: the command line against a YubiKey in a real reader, and other people's programs judge what it made. */

const MODULE = findLibrary('libykcs11.so.2') ?? findLibrary('libykcs11.so');
const missing = missingForPcscd() ?? missingTools({ openssl: 'openssl', 'yubico-piv-tool': 'yubico-piv-tool', 'pkcs11-tool': 'opensc' }) ?? (MODULE === undefined ? 'no ykcs11 (Debian package ykcs11)' : undefined);
const MANAGEMENT_KEY = '1b2d3f405162738495a6b7c8d9eafb0c1d2e3f5061728394';

describe.skipIf(missing !== undefined)(`keywright on the command line with a YubiKey${missing === undefined ? '' : `: ${missing}`}`, () => {
  let folder: string;
  let pcscd: Pcscd;
  const card = new VirtualYubiKey({ serial: 12_345_678, firmware: '5.7.1' });
  const path = (name: string): string => join(folder, name);
  const { attempt, keywright, told, judge } = commandLine(path, () => pcscd.environment, { owner: true, deadline: 120_000 });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keywright-yubikey-'));
    for (const [name, content] of Object.entries({ pw: 'correct horse battery staple 42', pin: '123456', pin2: '654321', wrong: '111111', 'wrong-too': '222222', puk: '12345678', puk2: '87654321', mgm: MANAGEMENT_KEY, 'root.pem': card.authority.root, 'm.txt': 'hello\n' })) writeFileSync(path(name), content, { mode: 0o600 });
    pcscd = await startPcscd();
    await pcscd.reader('yubikey').insert(card);
    await keywright('store', 'create');
    // Each command asks for its PIN, as if nobody had used the token before it.
    await keywright('config', 'set', 'tokens.keepPinMinutes', '0');
    // One owner for all commands: each by itself would open store and token anew.
    await keywright('store', 'unlock');
  });
  afterAll(async () => {
    await keywright('store', 'lock');
    await pcscd.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  test('the token is listed, with its defaults pointed out', async () => {
    const { tokens } = await told<{ tokens: object[] }>('tokens', 'list');
    expect(tokens).toMatchObject([{ id: 'yubikey-12345678', name: 'YubiKey 5C NFC 12345678', firmware: '5.7.1', present: true }]);
    const { status } = await told<{ status: { findings: { code: string }[] } }>('tokens', 'show', 'yubikey');
    expect(status.findings.map(({ code }) => code)).toContain('yubikey.default-pin');
  });

  test('an EC key is made, signs, and openssl verifies', async () => {
    const key = await told<{ uri: string }>('keys', 'generate', '--backend', 'yubikey', '--algorithm', 'ec-p256', '--slot', '9c', '--pin-policy', 'once', '--label', 'Release signing');
    expect(key.uri).toBe('yubikey:serial=12345678;slot=9c');
    await keywright('keys', 'public', key.uri, '--format', 'pem', '--out', path('9c.pem'));
    await keywright('keys', 'sign', key.uri, '--algorithm', 'ecdsa-sha256', '--in', path('m.txt'), '--out', path('sig.der'), '--pin-file', path('pin'));
    expect(await judge('openssl', 'dgst', '-sha256', '-verify', path('9c.pem'), '-signature', path('sig.der'), path('m.txt'))).toContain('Verified OK');
  });

  test('files are signed as SSHSIG with one PIN, and one VERIFY while the policy is once', async () => {
    for (const name of ['a.txt', 'b.txt', 'c.txt']) writeFileSync(path(name), name);
    await keywright('config', 'set', 'tokens.keepPinMinutes', '15');
    card.trace.take();
    await keywright('files', 'sign', path('a.txt'), path('b.txt'), path('c.txt'), '--key', 'yubikey:serial=12345678;slot=9c', '--format', 'sshsig', '--pin-file', path('pin'));
    const used = card.trace.take().filter((ins) => ['20', '87'].includes(ins));
    expect(used).toEqual(['20', '20', '87', '87', '87']);
    await keywright('config', 'set', 'tokens.keepPinMinutes', '0');
    await keywright('keys', 'public', 'Release signing', '--format', 'openssh', '--out', path('9c.pub'));
    writeFileSync(path('signers'), `me ${(await run('cat', [path('9c.pub')])).stdout}`);
    const { status, stdout } = await run('ssh-keygen', ['-Y', 'verify', '-f', path('signers'), '-I', 'me', '-n', 'file', '-s', path('b.txt.sig')], { input: 'b.txt' });
    expect([status, stdout]).toEqual([0, expect.stringContaining('Good "file" signature')]);
  });

  test('an RSA key decrypts what openssl encrypted, signs PSS, and yubico-piv-tool says the same of it', async () => {
    await keywright('keys', 'generate', '--backend', 'yubikey', '--algorithm', 'rsa-2048', '--slot', '9d', '--label', 'RSA');
    await keywright('keys', 'public', 'RSA', '--format', 'pem', '--out', path('9d.pem'));
    await judge('openssl', 'pkeyutl', '-encrypt', '-pubin', '-inkey', path('9d.pem'), '-pkeyopt', 'rsa_padding_mode:oaep', '-pkeyopt', 'rsa_oaep_md:sha256', '-in', path('m.txt'), '-out', path('m.enc'));
    await keywright('keys', 'decrypt', 'RSA', '--algorithm', 'rsa-oaep-sha256', '--in', path('m.enc'), '--out', path('m.dec'), '--pin-file', path('pin'));
    expect((await run('cat', [path('m.dec')])).stdout).toBe('hello\n');
    await keywright('keys', 'sign', 'RSA', '--algorithm', 'rsa-pss-sha256', '--in', path('m.txt'), '--out', path('pss.sig'), '--pin-file', path('pin'));
    expect(await judge('openssl', 'dgst', '-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest', '-verify', path('9d.pem'), '-signature', path('pss.sig'), path('m.txt'))).toContain('Verified OK');
  });

  test('a certificate that openssl issued is put into the slot, and other programs then see key and certificate', async () => {
    await judge('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('ca.key'), '-out', path('ca.pem'), '-subj', '/CN=Test CA', '-days', '30');
    await judge('openssl', 'x509', '-new', '-force_pubkey', path('9c.pem'), '-subj', '/CN=Ada Example', '-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-days', '30', '-out', path('9c-cert.pem'));
    const slot = await told('tokens', 'put-certificate', 'yubikey', '9c', path('9c-cert.pem'));
    expect(slot).toMatchObject({ state: 'key', certificate: { subject: 'CN=Ada Example', fitsKey: true } });
    expect(await judge('yubico-piv-tool', '-a', 'status')).toMatch(/Slot 9c:[\s\S]*Subject DN:\s+CN=Ada Example/);
    await judge('yubico-piv-tool', '-a', 'read-certificate', '-s', '9c', '-o', path('read.pem'));
    expect(await judge('openssl', 'x509', '-in', path('read.pem'), '-noout', '-fingerprint', '-sha256')).toBe(await judge('openssl', 'x509', '-in', path('9c-cert.pem'), '-noout', '-fingerprint', '-sha256'));
    expect(await judge('pkcs11-tool', '--module', MODULE!, '--list-objects', '--type', 'cert')).toContain('Ada Example');
    await judge('pkcs11-tool', '--module', MODULE!, '--login', '--pin', '123456', '--sign', '--id', '02', '--mechanism', 'ECDSA-SHA256', '--signature-format', 'openssl', '--input-file', path('m.txt'), '--output-file', path('theirs.sig'));
    expect(await judge('openssl', 'dgst', '-sha256', '-verify', path('9c.pem'), '-signature', path('theirs.sig'), path('m.txt'))).toContain('Verified OK');
  });

  test('a certificate for another key is refused with both fingerprints', async () => {
    const { status, stderr } = await attempt('tokens', 'put-certificate', 'yubikey', '9d', path('9c-cert.pem'));
    expect(status).toBe(2);
    expect(stderr.match(/SHA256:[0-9a-f]{64}/g)).toHaveLength(2);
  });

  test('an attestation holds with the configured root alone, and openssl agrees about its links', async () => {
    const before = await attempt('tokens', 'attest', 'yubikey', '9c');
    expect([before.status, before.stdout]).toEqual([3, expect.stringContaining('Nobody that is known here vouches')]);
    await keywright('backends', 'configure', 'yubikey', '--set', `attestationRoots=${path('root.pem')}`);
    const { verified, pem } = await told<{ verified: boolean; pem: string }>('tokens', 'attest', 'yubikey', '9c');
    expect(verified).toBe(true);
    const [leaf, device, root] = pem.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/g)!;
    for (const [name, content] of Object.entries({ leaf, device, root })) writeFileSync(path(`${name}.pem`), content!);
    expect(await judge('openssl', 'verify', '-partial_chain', '-trusted', path('device.pem'), path('leaf.pem'))).toContain('OK');
    expect(await judge('openssl', 'verify', '-CAfile', path('root.pem'), path('device.pem'))).toContain('OK');
  });

  test('what yubico-piv-tool made, with the management key that was set here, is found and used', async () => {
    await keywright('tokens', 'set-management-key', 'yubikey', '--algorithm', '3des', '--new-management-key-file', path('mgm'));
    await judge('yubico-piv-tool', `--key=${MANAGEMENT_KEY}`, '-a', 'generate', '-s', '9a', '-A', 'ECCP384', '-o', path('theirs.pem'));
    const { slots } = await told<{ slots: { slot: string; state: string; key: { uri: string } | null }[] }>('tokens', 'slots', 'yubikey', '--refresh');
    expect(slots[0]).toMatchObject({ slot: '9a', state: 'key', key: { uri: 'yubikey:serial=12345678;slot=9a', origin: 'found', algorithm: 'ec-p384' } });
    await keywright('keys', 'sign', 'yubikey:serial=12345678;slot=9a', '--algorithm', 'ecdsa-sha384', '--in', path('m.txt'), '--out', path('p384.sig'), '--pin-file', path('pin'));
    expect(await judge('openssl', 'dgst', '-sha384', '-verify', path('theirs.pem'), '-signature', path('p384.sig'), path('m.txt'))).toContain('Verified OK');
  });

  test('a wrong PIN costs one try and tells those left; a file does not spend the last one', async () => {
    const sign = (pin: string): Promise<Outcome> => attempt('keys', 'sign', 'Release signing', '--algorithm', 'ecdsa-sha256', '--in', path('m.txt'), '--out', path('never.sig'), '--pin-file', path(pin));
    const once = await sign('wrong');
    expect([once.status, once.stderr]).toEqual([6, expect.stringContaining('2 tries left')]);
    expect(card.memory.pin.left).toBe(2);
    const again = await sign('wrong');
    expect([again.status, card.memory.pin.left]).toEqual([6, 2]);
    await sign('wrong-too');
    expect(card.memory.pin.left).toBe(1);
    const last = await sign('wrong-too');
    expect([last.status, card.memory.pin.left]).toEqual([6, 1]);
    expect(last.stderr).toContain('One try is left');
    await keywright('tokens', 'unblock-pin', 'yubikey', '--puk-file', path('puk'), '--new-pin-file', path('pin'));
    expect(card.memory.pin.left).toBe(3);
  });

  test('PIN, PUK, tries and management key are changed, and yubico-piv-tool takes the new ones', async () => {
    await keywright('tokens', 'change-pin', 'yubikey', '--pin-file', path('pin'), '--new-pin-file', path('pin2'));
    await keywright('tokens', 'change-puk', 'yubikey', '--puk-file', path('puk'), '--new-puk-file', path('puk2'));
    await judge('yubico-piv-tool', '-a', 'verify-pin', '-P', '654321');
    await keywright('tokens', 'set-retries', 'yubikey', '--management-key-file', path('mgm'), '--pin', '5', '--puk', '4', '--pin-file', path('pin2'), '--new-pin-file', path('pin'), '--new-puk-file', path('puk'), '--yes');
    expect(await judge('yubico-piv-tool', '-a', 'status')).toMatch(/PIN tries left:\s+5/);
    await keywright('tokens', 'set-management-key', 'yubikey', '--protect', '--management-key-file', path('mgm'));
    await keywright('keys', 'generate', '--backend', 'yubikey', '--algorithm', 'ed25519', '--label', 'Ed', '--pin-file', path('pin'));
    const { stdout } = await attempt('keys', 'sign', 'Ed', '--in', path('m.txt'), '--out', path('ed.sig'), '--pin-file', path('pin'), '--json');
    expect(JSON.parse(stdout)).toMatchObject({ algorithm: 'ed25519' });
    await keywright('keys', 'public', 'Ed', '--format', 'pem', '--out', path('ed.pem'));
    await judge('openssl', 'pkeyutl', '-verify', '-pubin', '-inkey', path('ed.pem'), '-rawin', '-in', path('m.txt'), '-sigfile', path('ed.sig'));
  });

  test('a key in a slot is not overwritten, moved onto or deleted by --yes', async () => {
    for (const args of [
      ['keys', 'generate', '--backend', 'yubikey', '--algorithm', 'ec-p256', '--slot', '9c', '--label', 'Again'], ['tokens', 'move-key', 'yubikey', '9a', '9c'], ['tokens', 'delete-key', 'yubikey', '9c'], ['tokens', 'reset', 'yubikey'],
    ]) {
      const { status, stderr } = await attempt(...args, '--yes', '--pin-file', path('pin'));
      expect([args, status]).toEqual([args, 6]);
      expect(stderr).toContain('confirm');
    }
    expect([...card.memory.keys.keys()].map((slot) => slot.toString(16)).sort()).toEqual(['82', '9a', '9c', '9d', 'f9']);
  });

  test('a key is moved, and stays the same one in the inventory', async () => {
    const { id } = await told<{ id: string }>('keys', 'show', 'Ed');
    const moved = await told('tokens', 'move-key', 'yubikey', '82', '95', '--pin-file', path('pin'));
    expect(moved).toMatchObject({ id, label: 'Ed', uri: 'yubikey:serial=12345678;slot=95' });
  });

  test('out of the reader its keys stay listed as not present, and using one says what to do', async () => {
    await pcscd.reader('yubikey').remove();
    const listed = async () => (await told<{ keys: { label: string; present: boolean }[] }>('keys', 'list')).keys.find(({ label }) => label === 'Release signing');
    // The smart-card service tells it when it notices, not when the card is pulled.
    await expect.poll(listed).toMatchObject({ present: false });
    const { status, stderr } = await attempt('keys', 'sign', 'Release signing', '--in', path('m.txt'), '--out', path('never.sig'), '--pin-file', path('pin'));
    expect([status, stderr]).toEqual([7, expect.stringContaining('is not plugged in')]);
  });

  test('over all this the card saw no PIN again that it had refused, and none that nobody gave', () => {
    expect([card.ledger.repeats, card.ledger.unentered]).toEqual([0, 0]);
    expect(card.ledger.count('pin', 'refused')).toBe(2);
  });
});
