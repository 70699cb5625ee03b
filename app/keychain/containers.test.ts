import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KeyRecord, PERMISSIONS } from '../contract/index.ts';
import { FakeToken, FakeTokens, fakeTokenManifest } from '../keystore/testing/fake-token.ts';
import { sampleFor, unpacked, zipOf } from '../signing/testing/samples.ts';
import { openDownload, receiveUpload } from './files/spool.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

/** Signatures within archives and documents, by a key that never leaves its token. */

interface Signed { files: { name: string; uses: number; signature: string | null; written: { path?: string; download?: string } | null }[] }
const PIN = { pin: '123456' };
const tokens = new FakeTokens();
let core: TestCore;
let key: KeyRecord;
beforeAll(async () => {
  core = await openTestCore({ backends: [fakeTokenManifest(tokens)] });
  tokens.insert(new FakeToken('1001'));
  key = await core.call<KeyRecord>('keys.generate', { backend: 'fake', algorithm: 'ed25519', label: 'Release' });
  await core.call('certificates.self-sign', { key: key.uri, subject: 'CN=Ada' }, PIN);
});
afterAll(() => core[Symbol.asyncDispose]());

const at = (name: string): string => join(core.folder, name);
const sign = (name: string, input: object): Promise<Signed> => core.call<Signed>('files.sign', { files: [{ path: at(name) }], key: key.uri, ...input }, PIN);
const verify = (input: object): Promise<unknown> => core.call('files.verify', input);

test('a token signs each with one command, and the copy takes the file’s ending', async () => {
  await writeFile(at('app.jar'), await sampleFor('jar', 'text'));
  await writeFile(at('invoice.xml'), '<invoice/>');
  await writeFile(at('a.txt'), 'text');
  for (const [name, options, made] of [
    ['app.jar', { format: 'jar' }, 'app.signed.jar'], ['invoice.xml', { format: 'xml', detached: false }, 'invoice.signed.xml'], ['a.txt', { format: 'asic' }, 'a.txt.asice'], ['a.txt.asice', { format: 'asic' }, 'a.txt.signed.asice'],
  ] as const) {
    expect((await sign(name, options)).files).toEqual([expect.objectContaining({ uses: 1, signature: null, written: { path: at(made) } })]);
    expect(await verify({ file: { path: at(made) } })).toMatchObject({ intact: true, trusted: true, format: options.format, signer: { key: key.uri, name: 'CN=Ada' } });
  }
  expect((await sign('a.txt', { format: 'xml' })).files).toEqual([expect.objectContaining({ uses: 1, written: { path: at('a.txt.xades.xml') } })]);
  expect(await verify({ file: { path: at('a.txt') }, signature: { path: at('a.txt.xades.xml') } })).toMatchObject({ intact: true, trusted: true, format: 'xml' });
  await expect(sign('app.jar', { format: 'jar' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
});

test('several files go into one container by one signature; other formats have no such thing', async () => {
  await writeFile(at('b.txt'), 'more');
  const files = [{ path: at('a.txt') }, { path: at('b.txt') }];
  const { files: made } = await core.call<Signed>('files.sign', { files, key: key.uri, format: 'asic', together: true, out: { path: at('both.asice') } }, PIN);
  expect(made.map(({ uses, written }) => [uses, written])).toEqual([[1, { path: at('both.asice') }], [0, { path: at('both.asice') }]]);
  expect((await unpacked(await readFile(at('both.asice')))).map(({ name }) => name)).toEqual(['mimetype', 'a.txt', 'b.txt', 'META-INF/manifest.xml', 'META-INF/signatures1.xml']);
  expect(await verify({ file: { path: at('both.asice') } })).toMatchObject({ intact: true, trusted: true });
  await expect(core.call('files.sign', { files, key: key.uri, format: 'cms', together: true }, PIN)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  await expect(core.call('files.sign', { files, key: key.uri, format: 'asic', out: { path: at('none.asice') } }, PIN)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('who may name no paths uploads the files, and fetches the container', async () => {
  const remote = { ...somebody(PERMISSIONS.filter((permission) => permission !== 'files:paths'), 'rest'), id: 'token:one' };
  const upload = async (name: string): Promise<{ upload: string }> => ({ upload: (await receiveUpload(core.core.spoolFolder, remote.id, name, (async function* () { yield Buffer.from(name); })(), AbortSignal.timeout(10_000))).upload });
  const { files } = await core.call<Signed>('files.sign', { files: [await upload('a.txt'), await upload('b.txt')], key: key.uri, format: 'asic', together: true }, PIN, { principal: remote });
  const container = Buffer.concat(await Array.fromAsync((await openDownload(core.core.spoolFolder, remote.id, files[0]!.written!.download!)).stream));
  expect((await unpacked(container)).slice(1, 3).map(({ name, content }) => [name, content.toString()])).toEqual([['a.txt', 'a.txt'], ['b.txt', 'b.txt']]);
});

test('cancelled while it is hashed or written, nothing is left', async () => {
  await writeFile(at('large.bin'), '');
  await truncate(at('large.bin'), 24 * 2 ** 20);
  await writeFile(at('large.jar'), await zipOf([{ name: 'large', content: Buffer.alloc(8 * 2 ** 20), stored: true }]));
  const before = (await readdir(core.folder)).sort();
  for (const [name, format, when] of [['large.bin', 'asic', 3], ['large.bin', 'asic', 30], ['large.bin', 'asic', 60], ['large.jar', 'jar', 3], ['large.jar', 'jar', 70]] as const) {
    const controller = new AbortController();
    let events = 0;
    const progress = (): void => { if ((events += 1) === when) controller.abort(); };
    await expect(core.call('files.sign', { files: [{ path: at(name) }], key: key.uri, format }, PIN, { signal: controller.signal, progress }), `${name} at ${when}`).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await readdir(core.folder)).sort()).toEqual(before);
  }
});
