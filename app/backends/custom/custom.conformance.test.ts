import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { describeKeyStore } from '../../keystore/conformance.ts';
import { memoryKind } from '../../storage/memory/index.ts';
import { openCustom } from './index.ts';
import { customManifest } from './manifest.ts';

/** The example of the guide, as a user would set it up. */
const folder = mkdtempSync(join(tmpdir(), 'keywright-custom-'));
const program = join(folder, 'keys-in-a-file.mjs');
copyFileSync(join(import.meta.dirname, '../../../docs/examples/custom-provider/keys-in-a-file.mjs'), program);
chmodSync(program, 0o644);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = customManifest.config.parse({
  program, interpreter: process.execPath, sha256: createHash('sha256').update(readFileSync(program)).digest('hex'), options: `file=${join(folder, 'keys.json')}`,
});
const storage = await memoryKind.open({ folder: randomUUID(), create: true });
const open = () => openCustom('file-keys', config, { storage, keepPinMinutes: () => 5 });
const probe = await open();
const claims = probe.capabilities;
await probe[Symbol.asyncDispose]();

describeKeyStore('the example of a custom provider', { claims, open: async () => ({ store: await open(), storage, reopen: open }) });
