import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { BackendInstance } from '../../contract/index.ts';
import { openTestCore } from '../../keychain/testing/core.ts';
import { pkcs11Manifest } from './manifest.ts';
import { missingForSoftHsm, SOFTHSM, SoftHsm } from './testing/softhsm.ts';

const missing = missingForSoftHsm();

describe.skipIf(missing !== undefined)(`an instance that is added${missing === undefined ? '' : ` (not here: ${missing})`}`, () => {
  test('is called ready only when its module was loaded, and says why it is not, also once it is changed', async () => {
    using hsm = new SoftHsm();
    const environment = `SOFTHSM2_CONF=${hsm.environment.SOFTHSM2_CONF}`;
    const text = join(hsm.folder, 'module.so');
    writeFileSync(text, 'not a library');
    await using core = await openTestCore({ backends: [pkcs11Manifest] });
    const add = (name: string, settings: Record<string, string>): Promise<BackendInstance> => core.call('backends.add', { type: 'pkcs11', name, settings });
    expect(await add('good', { module: SOFTHSM as string, environment })).toMatchObject({ state: 'ready', reason: null });
    expect(await add('text', { module: text })).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('it is no shared library'), remedy: expect.stringContaining('module') });
    expect(await core.call('backends.configure', { name: 'text', settings: { module: SOFTHSM as string, environment } })).toMatchObject({ state: 'ready' });
    expect(await core.call('backends.configure', { name: 'good', settings: { module: join(hsm.folder, 'absent.so') } })).toMatchObject({ state: 'unavailable', reason: expect.stringContaining('there is no such file') });
  });
});
