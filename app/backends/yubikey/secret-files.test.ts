import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '../../keystore/testing/calls.ts';
import { furtherRoots } from './further-roots.ts';
import { yubikeyManifest } from './manifest.ts';
import { secretFiles } from './secret-files.ts';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'keywright-secret-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a configured file serves the token that it is for, and no other', async () => {
  const pinFile = join(folder, 'pin');
  await writeFile(pinFile, '123456\r\n', { mode: 0o600 });
  // As the command line gives what has digits alone.
  const settings = yubikeyManifest.config.parse({ secretsFor: 12_345_678, pinFile });
  expect(secretFiles(settings, '12345679')).toBeUndefined();
  expect(secretFiles(yubikeyManifest.config.parse({ pinFile }), '12345678')).toBeUndefined();
  const from = secretFiles(settings, '12345678')!;
  using secret = await from('pin');
  expect(Buffer.from(secret!.reveal()).toString()).toBe('123456');
  expect(await from('puk')).toBeUndefined();
});

test.skipIf(process.platform === 'win32')('a file that others may read, that is missing or too long is not used', async () => {
  const pinFile = join(folder, 'open');
  const from = secretFiles(yubikeyManifest.config.parse({ secretsFor: '1', pinFile }), '1')!;
  expect(await codeOf(from('pin'))).toBe('PIN_REQUIRED');
  await writeFile(pinFile, '123456');
  await chmod(pinFile, 0o640);
  expect(await codeOf(from('pin'))).toBe('PIN_REQUIRED');
  await chmod(pinFile, 0o600);
  await writeFile(pinFile, 'x'.repeat(200));
  expect(await codeOf(from('pin'))).toBe('PIN_REQUIRED');
});

test('a file with further roots that holds none is told as a fault of the setting', async () => {
  expect(await furtherRoots(undefined)).toEqual([]);
  expect(await codeOf(furtherRoots(join(folder, 'absent')))).toBe('INVALID_INPUT');
  await writeFile(join(folder, 'bad.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  expect(await codeOf(furtherRoots(join(folder, 'bad.pem')))).toBe('INVALID_INPUT');
});
