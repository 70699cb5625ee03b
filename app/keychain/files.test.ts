import { createHash, createPublicKey, generateKeyPairSync, sign as signWith, verify as verifyWith } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PERMISSIONS, type Job, type KeyRecord } from '../contract/index.ts';
import { addVersion, buildPdf } from '../signing/pdf/testing/documents.ts';
import { openDownload, receiveUpload, sweepSpool } from './files/spool.ts';
import { openTestCore, somebody, type TestCore } from './testing/core.ts';

const fails = (code: string): unknown => expect.objectContaining({ code });
interface Signed { files: { name: string; bytes: number; signature: string; written: { path?: string; download?: string } | null }[] }
interface Judged { intact: boolean; trusted: boolean; signer: { key: string } | null; verdict: string }

let core: TestCore;
let folder: string;
let ec: KeyRecord;
let ed: KeyRecord;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keywright-files-'));
  core = await openTestCore();
  ed = await core.call<KeyRecord>('keys.generate', { label: 'Pure', algorithm: 'ed25519' });
  ec = await core.call<KeyRecord>('keys.generate', { label: 'Hashing', algorithm: 'ec-p256' });
});
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

let count = 0;
const file = async (content: string | Uint8Array = 'content'): Promise<string> => {
  const path = join(folder, `file-${(count += 1)}.txt`);
  await writeFile(path, content);
  return path;
};
const sparse = async (bytes: number): Promise<string> => {
  const path = join(folder, `sparse-${(count += 1)}`);
  const handle = await open(path, 'w');
  await handle.truncate(bytes);
  await handle.close();
  return path;
};
const publicKeyOf = async (key: KeyRecord): Promise<ReturnType<typeof createPublicKey>> => {
  const { content } = await core.call<{ content: string }>('keys.public', { key: key.id });
  return createPublicKey(Buffer.from(content, 'base64url').toString());
};
const collect = async (stream: AsyncIterable<Uint8Array>): Promise<Buffer> => Buffer.concat(await Array.fromAsync(stream));
const MIB = 1024 * 1024;

describe('signing files', () => {
  test('a signature is written beside its file, and an outsider finds it right', async () => {
    const path = await file('hello');
    const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: ec.id });
    expect(files[0]).toMatchObject({ bytes: 5, written: { path: `${path}.sig` } });
    const signature = await readFile(`${path}.sig`);
    expect(verifyWith('sha256', Buffer.from('hello'), await publicKeyOf(ec), signature)).toBe(true);
    expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}.sig` } })).toMatchObject({ intact: true, trusted: true, signer: { key: ec.uri } });
    await writeFile(path, 'hellp');
    expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}.sig` } })).toMatchObject({ intact: false, trusted: false, signer: null });
  });

  test('pure Ed25519 signs the bytes themselves: nothing is hashed first in silence', async () => {
    const bytes = Buffer.from('af82', 'hex'); // RFC 8032 §7.1, the message of test 3
    const path = await file(bytes);
    const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: ed.id, out: { inline: true } });
    const signature = Buffer.from(files[0]!.signature, 'base64url');
    const key = await publicKeyOf(ed);
    expect(verifyWith(null, bytes, key, signature)).toBe(true);
    expect(verifyWith(null, createHash('sha512').update(bytes).digest(), key, signature)).toBe(false);
  });

  test('the vector of RFC 8032 §7.1 itself verifies, and one bit off does not', async () => {
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025', 'hex')]);
    const signature = Buffer.from('6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a', 'hex');
    const path = await file(Buffer.from('af82', 'hex'));
    const verify = (bytes: Uint8Array): Promise<Judged> => core.call<Judged>('files.verify', { file: { path }, signature: { bytes: Buffer.from(bytes).toString('base64url') }, publicKey: spki.toString('base64url') });
    expect(await verify(signature)).toMatchObject({ intact: true, signer: { key: null } });
    signature[0]! ^= 1;
    expect(await verify(signature)).toMatchObject({ intact: false });
  });

  test('an existing output is refused, and is as before; with overwrite it is replaced', async () => {
    const path = await file();
    await writeFile(`${path}.sig`, 'precious');
    await expect(core.call('files.sign', { files: [{ path }], key: ec.id })).rejects.toEqual(fails('ALREADY_EXISTS'));
    expect(await readFile(`${path}.sig`, 'utf8')).toBe('precious');
    await core.call('files.sign', { files: [{ path }], key: ec.id, out: { beside: true, overwrite: true } });
    expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}.sig` }, key: ec.id })).toMatchObject({ intact: true });
  });

  test('one path takes one signature; what is no file is refused with the reason', async () => {
    const out = { path: join(folder, 'out.sig') };
    await expect(core.call('files.sign', { files: [{ path: await file() }, { path: await file() }], key: ec.id, out })).rejects.toEqual(fails('INVALID_INPUT'));
    const empty = join(folder, 'empty');
    await mkdir(empty);
    for (const [path, code] of [[empty, 'NOT_FOUND'], ['/dev/zero', 'INVALID_INPUT'], [join(folder, 'missing'), 'NOT_FOUND'], ['relative.txt', 'INVALID_INPUT'], [`${folder}/nul\0`, 'INVALID_INPUT']] as const) {
      await expect(core.call('files.sign', { files: [{ path }], key: ec.id, out: { inline: true } }), path).rejects.toEqual(fails(code));
    }
    await expect(stat(out.path)).rejects.toThrow();
  });

  test('beyond 256 MiB a pure scheme refuses and names the formats that serve, which do; others take it, with progress', async () => {
    const path = await sparse(257 * MIB);
    for (const format of ['raw', 'signify', 'jws', 'cose']) {
      await expect(core.call('files.sign', { files: [{ path }], key: ed.id, format })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['sshsig', 'minisign', 'cms', 'openpgp', 'xml', 'asic'] } });
    }
    await expect(core.call('files.sign', { files: [{ path }], key: ed.id, format: 'minisign', prehash: false })).rejects.toEqual(fails('CAPABILITY_MISSING'));
    const { files: [large] } = await core.call<Signed>('files.sign', { files: [{ path }], key: ed.id, format: 'minisign', out: { inline: true } });
    expect(await core.call('files.verify', { file: { path }, signature: { bytes: large!.signature }, key: ed.id })).toMatchObject({ intact: true });
    const seen: { bytes: number; totalBytes: number }[] = [];
    const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: ec.id, out: { inline: true } }, {}, { progress: (event) => seen.push(event as never) });
    expect(seen.at(-1)).toMatchObject({ bytes: 257 * MIB, totalBytes: 257 * MIB, index: 0, files: 1 });
    expect(seen.every(({ bytes }, index) => index === 0 || bytes >= seen[index - 1]!.bytes)).toBe(true);
    // A pure key held here cannot be tried on it. The one that made the signature is found all the same.
    expect(await core.call('files.verify', { file: { path }, signature: { bytes: files[0]!.signature } })).toMatchObject({ intact: true, signer: { key: ec.uri } });
    await expect(core.call('files.verify', { file: { path }, signature: { bytes: files[0]!.signature }, key: ed.id })).rejects.toEqual(fails('CAPABILITY_MISSING'));
  });

  test('a cancelled call leaves nothing behind', async () => {
    const path = await sparse(1024 * MIB);
    const before = (await readdir(folder)).sort();
    const controller = new AbortController();
    await expect(core.call('files.sign', { files: [{ path }], key: ec.id }, {}, { signal: controller.signal, progress: () => controller.abort() })).rejects.toEqual(fails('CANCELLED'));
    expect((await readdir(folder)).sort()).toEqual(before);
  });

  test('the table of formats says what each key can make', async () => {
    const { rows } = await core.call<{ rows: { key: string; format: string; available: boolean; algorithms: string[] }[] }>('files.formats');
    expect(rows).toContainEqual(expect.objectContaining({ key: ed.uri, format: 'raw', available: true, algorithms: ['ed25519'] }));
    expect(rows).toContainEqual(expect.objectContaining({ key: ed.uri, format: 'minisign', available: true, uses: 2, suffix: '.minisig' }));
    expect(rows).toContainEqual(expect.objectContaining({ key: ec.uri, format: 'minisign', available: false, reason: expect.stringContaining('pure Ed25519') }));
    const aes = await core.call<KeyRecord>('keys.generate', { label: 'No signer', algorithm: 'aes-256' });
    const none = (await core.call<{ rows: { available: boolean; reason: string }[] }>('files.formats', { key: aes.id })).rows;
    expect(none.every(({ available, reason }) => !available && reason.includes('symmetric'))).toBe(true);
    const resting = await core.call<KeyRecord>('keys.generate', { label: 'Resting', algorithm: 'ec-p256' });
    await core.call('keys.update', { key: resting.id, state: 'suspended' });
    const { rows: rest } = await core.call<{ rows: { format: string; available: boolean; reason: string }[] }>('files.formats', { key: resting.id });
    expect(rest.find(({ format }) => format === 'raw')).toMatchObject({ available: false, reason: expect.stringContaining('suspended') });
  });

  test('the table by one format has a row for each key, those that can first, and says where a signature can go', async () => {
    interface Row { key: string; format: string; available: boolean; detached: string; inside: { suffix: string; copy: boolean } | null; suffix: string }
    const { rows, total } = await core.call<{ rows: Row[]; total: number }>('files.formats', { format: 'minisign' });
    expect(rows.length).toBe(total);
    expect(rows.filter(({ key }) => key === ed.uri || key === ec.uri).map(({ key, available }) => [key, available])).toEqual([[ed.uri, true], [ec.uri, false]]);
    expect(rows.findLastIndex(({ available }) => available)).toBeLessThan(rows.findIndex(({ available }) => !available));
    expect(await core.call('files.formats', { format: 'minisign', limit: 1 })).toMatchObject({ rows: [{ available: true, detached: 'always', inside: null }], total });
    const places = async (format: string): Promise<Row> => (await core.call<{ rows: Row[] }>('files.formats', { format, key: ec.id })).rows[0]!;
    expect(await places('cms')).toMatchObject({ detached: 'choice', suffix: '.p7s', inside: { suffix: '.p7m', copy: false } });
    expect(await places('xml')).toMatchObject({ detached: 'choice', suffix: '.xades.xml', inside: { suffix: '.signed', copy: true } });
    expect(await places('pdf')).toMatchObject({ detached: 'never', inside: null });
  });
});

describe('files of callers from elsewhere', () => {
  const remote = { ...somebody(PERMISSIONS.filter((permission) => permission !== 'files:paths'), 'rest'), id: 'token:one' };
  const upload = async (content: string, principal = remote.id): Promise<string> =>
    (await receiveUpload(core.core.spoolFolder, principal, '../../name.txt', (async function* () { yield Buffer.from(content); })(), AbortSignal.timeout(10_000))).upload;

  test('paths are not theirs to name, in or out', async () => {
    const path = await file();
    for (const [operation, input] of [
      ['files.sign', { files: [{ path }], key: ec.id }], ['files.verify', { file: { path }, signature: { bytes: 'AAAA' } }], ['store.backup', { out: { path: `${path}.kwb` } }],
      ['files.sign', { files: [{ upload: await upload('x') }], key: ec.id, out: { path: `${path}.sig` } }], ['store.restore', { from: { path } }],
    ] as const) await expect(core.call(operation, input, {}, { principal: remote }), operation).rejects.toEqual(fails('PERMISSION_DENIED'));
    await expect(stat(`${path}.sig`)).rejects.toThrow();
  });

  test('an upload is signed and gone; its signature is fetched; neither is anybody else’s', async () => {
    const id = await upload('uploaded');
    const other = { ...remote, id: 'token:two' };
    const sign = (principal: typeof remote): Promise<Signed> => core.call<Signed>('files.sign', { files: [{ upload: id }], key: ec.id }, {}, { principal });
    await expect(sign(other)).rejects.toEqual(fails('NOT_FOUND'));
    const { files } = await sign(remote);
    expect(files[0]).toMatchObject({ name: 'name.txt', bytes: 8, written: { download: expect.any(String) } });
    const download = files[0]!.written!.download!;
    await expect(sign(remote)).rejects.toEqual(fails('NOT_FOUND'));
    await expect(openDownload(core.core.spoolFolder, other.id, download)).rejects.toEqual(fails('NOT_FOUND'));
    await expect(openDownload(core.core.spoolFolder, remote.id, `../${download}`)).rejects.toEqual(fails('NOT_FOUND'));
    const signature = await collect((await openDownload(core.core.spoolFolder, remote.id, download)).stream);
    expect(verifyWith('sha256', Buffer.from('uploaded'), await publicKeyOf(ec), signature)).toBe(true);
    // Both uploads of a verification are used up.
    const [again, detached] = [await upload('uploaded'), await upload('not a signature')];
    expect(await core.call('files.verify', { file: { upload: again }, signature: { upload: detached } }, {}, { principal: remote })).toMatchObject({ intact: false });
    expect((await readdir(core.core.spoolFolder)).filter((name) => name.startsWith(again) || name.startsWith(detached))).toEqual([]);
  });

  test('an upload that breaks off leaves nothing; old ones are swept', async () => {
    const spool = core.core.spoolFolder;
    const before = (await readdir(spool)).sort();
    const broken = (async function* () { yield Buffer.from('half'); throw new Error('connection lost'); })();
    await expect(receiveUpload(spool, remote.id, 'x', broken, AbortSignal.timeout(10_000))).rejects.toThrow('connection lost');
    expect((await readdir(spool)).sort()).toEqual(before);
    const id = await upload('old');
    expect((await stat(join(spool, id))).mode & 0o777).toBe(0o600);
    await sweepSpool(spool);
    expect(await readdir(spool)).toContain(id);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61 * 60 * 1000 });
    try {
      await sweepSpool(spool);
    } finally {
      vi.useRealTimers();
    }
    expect(await readdir(spool)).not.toContain(id);
  });
});

test('a long signature is a job: listed, watched and cancelled from elsewhere', async () => {
  const path = await sparse(2048 * MIB);
  const started = Promise.withResolvers<void>();
  const signing = core.call('files.sign', { files: [{ path }], key: ec.id }, {}, { progress: () => started.resolve() });
  signing.catch(() => undefined);
  await started.promise;
  const { jobs } = await core.call<{ jobs: Job[] }>('jobs.list');
  const running = jobs.find(({ state, operation }) => state === 'running' && operation === 'files.sign')!;
  expect(await core.call('jobs.show', { id: running.id })).toMatchObject({ state: 'running', fraction: expect.any(Number), startedBy: 'a test' });
  const watched: Job[] = [];
  const watching = core.call<Job>('jobs.watch', { id: running.id }, {}, { progress: (job) => watched.push(job as Job) });
  await vi.waitFor(() => expect(watched.length).toBeGreaterThan(0), 10_000);
  await core.call('jobs.cancel', { id: running.id });
  await expect(signing).rejects.toEqual(fails('CANCELLED'));
  expect(await watching).toMatchObject({ state: 'cancelled' });
  expect(watched.length).toBeGreaterThan(0);
  await expect(core.call('jobs.cancel', { id: running.id })).rejects.toEqual(fails('CONFLICT'));
  await expect(stat(`${path}.sig`)).rejects.toThrow();
});

test('a signature in the other encoding of ECDSA verifies too; one of another key does not', async () => {
  const path = await file('encoded');
  const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: ec.id, encoding: 'p1363', out: { inline: true } });
  expect(Buffer.from(files[0]!.signature, 'base64url')).toHaveLength(64);
  expect(await core.call('files.verify', { file: { path }, signature: { bytes: files[0]!.signature } })).toMatchObject({ intact: true });
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const foreign = signWith('sha256', Buffer.from('encoded'), stranger.privateKey).toString('base64url');
  expect(await core.call('files.verify', { file: { path }, signature: { bytes: foreign } })).toMatchObject({ intact: false, trusted: false });
});

describe('formats', () => {
  test('each has a name of its own beside the file, is told by its content, and says how often the key was used', async () => {
    for (const [format, key, suffix, uses] of [['sshsig', ec, '.sig', 1], ['minisign', ed, '.minisig', 2], ['jws', ec, '.jws', 1], ['cose', ec, '.cose', 1]] as const) {
      const path = await file('{"claims":true}');
      const { files } = await core.call<{ files: { uses: number; written: unknown }[] }>('files.sign', { files: [{ path }], key: key.id, format });
      expect(files[0]).toMatchObject({ uses, written: { path: `${path}${suffix}` } });
      expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}${suffix}` } })).toMatchObject({
        intact: true, trusted: true, format, signer: { key: key.uri }, signatures: [{ intact: true, trustedBy: { source: 'held-key', name: key.label }, problem: null }],
      });
    }
  });

  test('what holds the file itself is verified on its own, and answered inline as long as it fits', async () => {
    for (const [format, more] of [['jwt', {}], ['dsse', {}], ['jws', { detached: false }], ['jws', { detached: false, form: 'json' }], ['cose', { detached: false }]] as const) {
      const path = await file('{"sub":"ada"}');
      const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: ec.id, format, out: { inline: true }, ...more });
      const signed = await file(Buffer.from(files[0]!.signature, 'base64url'));
      expect(await core.call('files.verify', { file: { path: signed } })).toMatchObject({ intact: true, trusted: true, format });
    }
  });

  test('what does not fit the key or the format is refused before anything is read', async () => {
    const files = [{ path: join(folder, 'not there') }];
    await expect(core.call('files.sign', { files, key: ec.id, format: 'minisign' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: expect.arrayContaining(['sshsig', 'jws']) } });
    await expect(core.call('files.sign', { files, key: ec.id, format: 'jws', algorithm: 'ecdsa-sha512' })).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { alternatives: ['ecdsa-sha256'] } });
    for (const options of [{ format: 'raw', namespace: 'git' }, { format: 'sshsig', detached: false }, { format: 'jwt', detached: true }, { format: 'raw', form: 'json' }, { format: 'cose', encoding: 'der' }]) {
      await expect(core.call('files.sign', { files, key: ec.id, ...options }), JSON.stringify(options)).rejects.toEqual(fails('INVALID_INPUT'));
    }
  });

  test('an allowed signer is trusted by the list alone', async () => {
    const path = await file('listed');
    await core.call('files.sign', { files: [{ path }], key: ec.id, format: 'sshsig', namespace: 'release' });
    const signature = { path: `${path}.sig` };
    const line = Buffer.from((await core.call<{ content: string }>('keys.public', { key: ec.id, format: 'openssh' })).content, 'base64url').toString();
    const listed = Buffer.from(`ada@example.com namespaces="release" ${line}`).toString('base64url');
    expect(await core.call('files.verify', { file: { path }, signature, namespace: 'release', allowedSigners: listed })).toMatchObject({ trusted: true, signer: { name: 'ada@example.com' }, signatures: [{ trustedBy: { source: 'allowed-signers' } }] });
    expect(await core.call('files.verify', { file: { path }, signature, namespace: 'release', allowedSigners: listed, identity: 'eve' })).toMatchObject({ intact: true, trusted: false });
    expect(await core.call('files.verify', { file: { path }, signature, namespace: 'release', allowedSigners: Buffer.from('# nobody').toString('base64url') })).toMatchObject({ intact: true, trusted: false });
    expect(await core.call('files.verify', { file: { path }, signature })).toMatchObject({ intact: false, verdict: expect.stringContaining('“release”') });
  });

  test('a key that was marked as compromised is named, and not trusted', async () => {
    const stolen = await core.call<KeyRecord>('keys.generate', { label: 'Stolen', algorithm: 'ec-p256' });
    const path = await file('by whom?');
    await core.call('files.sign', { files: [{ path }], key: stolen.id, format: 'sshsig' });
    await core.call('keys.update', { key: stolen.id, state: 'compromised' });
    expect(await core.call('files.verify', { file: { path }, signature: { path: `${path}.sig` } })).toMatchObject({ intact: true, trusted: false, signer: { label: 'Stolen' }, verdict: expect.stringContaining('compromised') });
  });
});

test('a PDF is signed within a copy of it; the answer says what each signature covers, and what came afterwards', async () => {
  const key = await core.call<KeyRecord>('keys.generate', { label: 'PDF signer', algorithm: 'ec-p256' });
  await core.call('certificates.self-sign', { key: key.id, subject: 'CN=Ada Example' });
  const path = await file(buildPdf());
  const sign = async (of: string, more: object = {}): Promise<string> => (await core.call<Signed>('files.sign', { files: [{ path: of }], key: key.id, format: 'pdf', ...more })).files[0]!.written!.path!;
  const both = await sign(await sign(path), { page: 1, rectangle: '20,20,200,70', reason: 'I approve' });
  expect((await readFile(both)).subarray(0, (await stat(path)).size)).toEqual(await readFile(path));
  const verify = (of: string): Promise<Judged> => core.call<Judged>('files.verify', { file: { path: of } });
  expect(await verify(both)).toMatchObject({ intact: true, trusted: true, format: 'pdf', signatures: [{ coverage: { revision: 2, revisions: 3, changes: ['signature'] } }, { coverage: { revision: 3, revisions: 3, changes: [] } }] });
  const annotated = addVersion(await readFile(both), { 50: '<</Type /Annot /Subtype /FreeText /Contents (no) /Rect [0 0 595 842]>>', 3: ((await readFile(both)).toString('latin1').match(/^3 0 obj\n(.*)/gm)?.at(-1) ?? '').slice(8).replace('/Annots [', '/Annots [50 0 R ') });
  expect(await verify(await file(annotated))).toMatchObject({ intact: true, trusted: false, verdict: expect.stringContaining('not that alone. Annotations') });
  expect(await verify(await file(addVersion(await readFile(both), { 4: '<</Length 0>>\nstream\n\nendstream' })))).toMatchObject({ intact: false, trusted: false, verdict: expect.stringContaining('page 1: Contents'), signatures: [{ coverage: { changes: ['signature', 'other'] } }, { coverage: { changes: ['other'] } }] });
  await expect(sign(path, { namespace: 'file' })).rejects.toEqual(fails('INVALID_INPUT'));
  await expect(sign(path, { format: 'cms', reason: 'none' })).rejects.toEqual(fails('INVALID_INPUT'));
});

describe('CMS with the certificates of the store', () => {
  interface Made { id: string }
  const selfSign = async (key: KeyRecord, more: object = {}): Promise<string> => (await core.call<Made>('certificates.self-sign', { key: key.id, subject: `CN=${key.label}`, ...more })).id;
  const keyCalled = (label: string): Promise<KeyRecord> => core.call<KeyRecord>('keys.generate', { label, algorithm: 'ec-p256' });

  test('the certificate of the key is found; its signature is intact and trusted, and intact alone once it is not', async () => {
    const key = await keyCalled('CMS signer');
    const id = await selfSign(key);
    const path = await file('signed as CMS');
    const { files } = await core.call<Signed>('files.sign', { files: [{ path }], key: key.id, format: 'cms' });
    expect(files[0]!.written).toEqual({ path: `${path}.p7s` });
    const verify = (more: object = {}): Promise<Judged> => core.call<Judged>('files.verify', { file: { path }, signature: { path: `${path}.p7s` }, ...more });
    expect(await verify()).toMatchObject({ intact: true, trusted: true, format: 'cms', signer: { key: key.uri, name: 'CN=CMS signer' }, signatures: [{ trustedBy: { source: 'certificate' }, time: { according: 'signer' } }] });
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
    expect(await verify({ publicKey: Buffer.from(stranger).toString('base64url') })).toMatchObject({ intact: true, trusted: false });
    // Named roots alone count, and the certificate is not among these.
    const { content } = await core.call<{ content: string }>('certificates.export', { certificate: await selfSign(await keyCalled('Another root'), { profile: 'root' }) });
    expect(await verify({ roots: content })).toMatchObject({ intact: true, trusted: false, verdict: expect.stringContaining('not trusted') });
    await core.call('keys.delete', { key: key.id });
    expect(await verify()).toMatchObject({ intact: true, trusted: true, signer: { key: null, name: 'CN=CMS signer' } });
    await core.call('certificates.delete', { certificate: id });
    expect(await verify()).toMatchObject({ intact: true, trusted: false, signer: { key: null, name: null } });
    await writeFile(path, 'changed');
    expect(await verify()).toMatchObject({ intact: false, trusted: false });
  });

  test('a key without a certificate, with one that is for something else, or with one of another key, is refused with what would help', async () => {
    const path = await file('guarded');
    const sign = (key: KeyRecord, more: object = {}): Promise<Signed> => core.call<Signed>('files.sign', { files: [{ path }], key: key.id, format: 'cms', ...more });
    const [bare, server, other] = [await keyCalled('Bare'), await keyCalled('Server'), await keyCalled('Other')];
    await expect(sign(bare)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { remedy: expect.stringContaining('certificates self-sign "Bare"') } });
    await selfSign(server, { profile: 'tls-server', san: ['dns:example.org'] });
    await expect(sign(server)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('other purposes') } });
    const { content } = await core.call<{ content: string }>('certificates.export', { certificate: await selfSign(other) });
    await expect(sign(bare, { certificate: content })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { detail: expect.stringContaining('another') } });
    expect((await sign(other, { certificate: content, out: { inline: true } })).files).toHaveLength(1);
    const ended = await keyCalled('Ended');
    await selfSign(ended, { notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' });
    await expect(sign(ended)).rejects.toMatchObject({ code: 'CAPABILITY_MISSING', facts: { detail: expect.stringContaining('ended on 2021'), remedy: expect.stringContaining('Renew') } });
    await expect(stat(`${path}.p7s`)).rejects.toThrow();
  });
});
