import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PERMISSIONS } from '../contract/index.ts';
import { temporaryFolder } from '../formats/testing/keys.ts';
import { buildPdf } from '../signing/pdf/testing/documents.ts';
import { receiveUpload } from './files/spool.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

interface Row { name: string; state: string; code: string | null; verdict: string; signatureFiles: string[]; format: string | null }
interface Answer { intact: boolean; trusted: boolean; verdict: string; files: Row[]; counts: Record<string, number>; skipped: { name: string; reason: string }[]; manifest: Row | null; signatures: { from: string | null; format: string }[] }

let core: TestCore;
let ec: string;
let ed: string;
beforeAll(async () => {
  core = await openTestCore();
  [ec, ed] = await Promise.all([['ec-p256', 'Hashing'], ['ed25519', 'Pure']].map(async ([algorithm, label]) => (await core.call<{ uri: string }>('keys.generate', { algorithm, label })).uri)) as [string, string];
  await core.call('certificates.self-sign', { key: ec, subject: 'CN=Ada Example', days: 30 });
});
afterAll(() => core[Symbol.asyncDispose]());

const verify = (input: object): Promise<Answer> => core.call<Answer>('files.verify', input);
const sign = (path: string, format: string, more: object = {}): Promise<unknown> => core.call('files.sign', { files: [{ path }], key: ['minisign', 'signify'].includes(format) ? ed : ec, format, ...more });
const states = (answer: Answer, folder = ''): string[][] => answer.files.map(({ name, state }) => [name.slice(folder.length === 0 ? 0 : folder.length + 1), state]);

test('a folder is verified: each file by what lies beside it or within, in every format, and each has its verdict', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at('deep'));
  const formats = ['raw', 'cms', 'openpgp', 'minisign', 'jws', 'dsse', 'cose', 'xml', 'jwt'];
  for (const format of formats) {
    writeFileSync(at(`deep/${format}`), JSON.stringify({ sub: format }));
    await sign(at(`deep/${format}`), format);
  }
  writeFileSync(at('deep/ssh'), 'ssh');
  await sign(at('deep/ssh'), 'sshsig', { out: { path: at('deep/ssh.sshsig') } });
  writeFileSync(at('two'), 'two signatures');
  await sign(at('two'), 'raw');
  await sign(at('two'), 'minisign');
  writeFileSync(at('report.pdf'), buildPdf());
  await sign(at('report.pdf'), 'pdf');
  writeFileSync(at('note.xml'), '<note>sign me</note>');
  await sign(at('note.xml'), 'xml', { detached: false });
  const all = await verify({ files: [{ path: folder.path }] });
  expect(states(all, folder.path)).toEqual([...[...formats, 'ssh'].sort().map((name) => [`deep/${name}`, 'trusted']), ['note.signed.xml', 'trusted'], ['report.signed.pdf', 'trusted'], ['two', 'trusted']]);
  expect(all).toMatchObject({ trusted: true, counts: { trusted: 13, invalid: 0, unsigned: 0 }, signatures: [], skipped: [{ name: at('note.xml'), reason: 'signed-copy' }, { name: at('report.pdf'), reason: 'signed-copy' }] });
  expect(all.files.find(({ name }) => name === at('two'))?.signatureFiles).toEqual([at('two.minisig'), at('two.sig')]);

  // One is changed, one stripped of its signature, one missing, one by somebody else: the others are judged as before.
  writeFileSync(at('deep/cms'), 'changed');
  rmSync(at('deep/openpgp.asc'));
  rmSync(at('deep/jws'));
  writeFileSync(at('two.sig'), Buffer.alloc(70, 1));
  const after = await verify({ files: [{ path: folder.path }] });
  expect(states(after, folder.path).filter(([, state]) => state !== 'trusted')).toEqual([['deep/cms', 'invalid'], ['deep/jws.jws', 'failed'], ['deep/openpgp', 'unsigned'], ['two', 'invalid']]);
  expect(after).toMatchObject({ intact: false, trusted: false, verdict: '13 files: 9 as signed by whom you trust, 2 not as signed, 1 not signed, 1 not judged.' });
});

test('a signature that is named is of the file beside it; a pattern takes each file once', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  for (const name of ['a.txt', 'b.txt']) {
    writeFileSync(at(name), name);
    await sign(at(name), 'raw');
  }
  expect(await verify({ file: { path: at('a.txt.sig') } })).toMatchObject({ trusted: true, files: [{ name: at('a.txt'), signatureFiles: [at('a.txt.sig')] }], signatures: [{ from: at('a.txt.sig'), format: 'raw' }] });
  expect(states(await verify({ files: [{ path: at('*') }] }), folder.path)).toEqual([['a.txt', 'trusted'], ['b.txt', 'trusted']]);
  expect(states(await verify({ files: [{ path: at('*.sig') }] }), folder.path)).toEqual([['a.txt', 'trusted'], ['b.txt', 'trusted']]);
  // One that is alone, one that is no signature by its content, one that is not there.
  rmSync(at('a.txt'));
  writeFileSync(at('b.txt.asc'), '-----BEGIN PGP PUBLIC KEY BLOCK-----\n');
  expect(states(await verify({ files: [{ path: folder.path }, { path: at('missing') }] }), folder.path)).toEqual([['a.txt.sig', 'unsigned'], ['b.txt', 'trusted'], ['b.txt.asc', 'unsigned'], ['missing', 'failed']]);
  await expect(verify({ file: { path: at('missing') } })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await verify({ file: { path: at('a.txt.sig') } })).toMatchObject({ intact: false, files: [{ state: 'unsigned' }] });
  for (const input of [{}, { file: { path: at('b.txt') }, files: [{ path: at('b.txt') }] }, { files: [{ path: at('b.txt') }, { path: at('missing') }], signature: { path: at('b.txt.sig') } }, { manifest: { path: at('b.txt') }, files: [{ path: at('b.txt') }] }]) await expect(verify(input), JSON.stringify(input)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('a batch is verified from its manifest, also where it was moved to, and what is missing, changed or signed anew is told', async () => {
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at('dist/sub'), { recursive: true });
  for (const name of ['dist/one', 'dist/sub/two', 'dist/three']) writeFileSync(at(name), name);
  await core.call('files.sign', { files: [{ path: at('dist') }], key: ec, manifest: { path: at('dist/manifest.json') } });
  renameSync(at('dist'), at('elsewhere'));
  const manifest = { path: at('elsewhere/manifest.json') };
  const whole = await verify({ manifest });
  expect([whole.trusted, whole.manifest?.state, states(whole, folder.path)]).toEqual([true, 'trusted', [['elsewhere/one', 'trusted'], ['elsewhere/sub/two', 'trusted'], ['elsewhere/three', 'trusted']].sort()]);
  rmSync(at('elsewhere/one'));
  writeFileSync(at('elsewhere/three'), 'short');
  await core.call('files.sign', { files: [{ path: at('elsewhere/sub/two') }], key: ec, out: { beside: true, overwrite: true } });
  const after = await verify({ manifest });
  expect([after.trusted, Object.fromEntries(states(after).map(([name, state]) => [name?.split('/').at(-1), state]))]).toEqual([false, { one: 'failed', three: 'invalid', two: 'untrusted' }]);
  // A manifest that was changed vouches for nothing, whatever its files are.
  writeFileSync(manifest.path, (await readFile(manifest.path, 'utf8')).replace('"operation"', '"operation" '));
  const forged = await verify({ manifest });
  expect([forged.trusted, forged.manifest?.state, forged.verdict]).toEqual([false, 'invalid', expect.stringContaining('manifest itself')]);
  for (const wrong of ['[]', '{"operation":"files.sign","files":[]}', 'no JSON', '{"operation":"x","files":[{}]}']) {
    writeFileSync(manifest.path, wrong);
    await expect(verify({ manifest }), wrong).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  }
});

test('uploads find their signatures among each other by their names, and are used up', async () => {
  const remote = { ...somebody(PERMISSIONS.filter((permission) => permission !== 'files:paths'), 'rest'), id: 'token:one' };
  const upload = async (name: string, content: Uint8Array): Promise<{ upload: string }> => ({ upload: (await receiveUpload(core.core.spoolFolder, remote.id, name, (async function* () { yield content; })(), AbortSignal.timeout(10_000))).upload });
  using folder = temporaryFolder();
  const at = (name: string): string => join(folder.path, name);
  for (const name of ['a.txt', 'b.txt']) writeFileSync(at(name), name);
  await core.call('files.sign', { files: [{ path: at('a.txt') }, { path: at('b.txt') }], key: ec, manifest: { path: at('m.json') } });
  const sent = async (...names: string[]): Promise<{ upload: string }[]> => Promise.all(names.map(async (name) => upload(name, await readFile(at(name)))));
  const call = (input: object): Promise<Answer> => core.call<Answer>('files.verify', input, {}, { principal: remote });
  const files = await sent('a.txt', 'a.txt.sig', 'b.txt', 'b.txt.sig');
  expect(states(await call({ files }))).toEqual([['a.txt', 'trusted'], ['b.txt', 'trusted']]);
  await expect(call({ files })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(states(await call({ files: await sent('a.txt', 'b.txt', 'b.txt.sig') }))).toEqual([['a.txt', 'unsigned'], ['b.txt', 'trusted']]);
  const [manifest, ...rest] = await sent('m.json', 'm.json.sig', 'a.txt', 'a.txt.sig', 'b.txt.sig');
  expect(await call({ manifest, files: rest })).toMatchObject({ trusted: false, manifest: { state: 'trusted' }, files: [{ state: 'trusted' }, { state: 'failed', code: 'NOT_FOUND' }] });
  await expect(call({ files: [{ path: at('a.txt') }] })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
});
