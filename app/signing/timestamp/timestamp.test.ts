import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTimestampAuthority, type TimestampAuthority } from '../../../e2e/authorities/timestamp.ts';
import { corpus } from '../../../scripts/corpora.ts';
import { readCertificates } from '../../certificates/index.ts';
import { KeywrightError } from '../../contract/index.ts';
import { der, derInteger, derSequence, TAG } from '../../formats/der.ts';
import { HAS_OPENSSL, pairOf, run, temporaryFolder } from '../../formats/testing/keys.ts';
import { certifiedKey, certify, trustingCertificates } from '../testing/certificates.ts';
import { contentOf, signAs, verifyAs } from '../testing/keys.ts';
import { sampleFor } from '../testing/samples.ts';
import { askForTimestamp } from './ask.ts';
import { readTimestampResponse, readTimestampToken, timestampResponse } from './token.ts';

const TEXT = 'The Magic Words are Squeamish Ossifrage\n';
/** PKIStatus 2, a text, and badAlg. */
const REFUSED = derSequence(derSequence(derInteger(2n), derSequence(der(TAG.utf8String, Buffer.from('not today'))), der(TAG.bitString, Buffer.from([7, 0x80]))));
const { signal } = new AbortController();

describe.skipIf(!HAS_OPENSSL)('an authority that answers by openssl ts (skipped without it)', () => {
  let authority: TimestampAuthority;
  beforeAll(async () => { authority = await startTimestampAuthority(); });
  afterAll(() => authority[Symbol.dispose]());
  const roots = (): ReturnType<typeof readCertificates> => readCertificates(authority.root);

  test('stamps a file; openssl ts finds it right, and so do we', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT);
    for (const hash of ['sha256', 'sha512'] as const) {
      const response = timestampResponse(await askForTimestamp(authority.url, { hash, digest: await file.digest(hash) }, signal));
      writeFileSync(join(folder.path, 'tsr'), response);
      writeFileSync(join(folder.path, 'root.pem'), authority.root);
      expect(run('openssl', ['ts', '-verify', '-data', file.path, '-in', join(folder.path, 'tsr'), '-CAfile', join(folder.path, 'root.pem')]).toString()).toContain('Verification: OK');
      expect(await verifyAs(file, response, trustingCertificates(roots()))).toMatchObject([{ intact: true, trustedBy: { source: 'root', name: 'CN=Time Root' }, time: { according: 'timestamp', by: 'CN=Time Authority' } }]);
      expect(await verifyAs(file, response, trustingCertificates([]))).toMatchObject([{ intact: true, trustedBy: null }]);
      expect(await verifyAs(await contentOf(folder.path, 'another', 'other'), response, trustingCertificates(roots()))).toMatchObject([{ intact: false, problem: expect.stringContaining('something else') }]);
    }
    // It learns the digest and nothing else.
    expect(authority.requests.every((request) => request.length < 200 && !Buffer.from(request).includes('Magic'))).toBe(true);
  });

  test('a stamp in CMS says when, according to whom; without trust in the authority the signer’s word stands', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const ada = await certify('ec-p256', 'CN=Ada', { days: 30 });
    const file = await contentOf(path, TEXT);
    const made = await signAs('cms', file, await certifiedKey('ec-p256', ada), { timestamp: (imprint) => askForTimestamp(authority.url, imprint, signal) });
    expect(await verifyAs(file, made, trustingCertificates([ada, ...roots()]))).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Ada' }, time: { according: 'timestamp', by: 'CN=Time Authority' } }]);
    expect(await verifyAs(file, made, trustingCertificates([ada]))).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Ada' }, time: { according: 'signer' } }]);
    // Once the certificate has ended, the stamp still says that it was valid then.
    const later = new Date(Date.now() + 400 * 86_400_000);
    expect(await verifyAs(file, made, trustingCertificates([ada, ...roots()], { at: later }))).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Ada' } }]);
    expect(await verifyAs(file, made, trustingCertificates([ada], { at: later }))).toMatchObject([{ intact: true, trustedBy: null }]);
    writeFileSync(join(path, 'sig'), made);
    writeFileSync(join(path, 'ada.pem'), ada.toPem());
    run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', join(path, 'sig'), '-content', file.path, '-CAfile', join(path, 'ada.pem'), '-out', join(path, 'out')]);
  });

  test.each(['jar', 'xml'] as const)('a stamp in %s says when too', async (format) => {
    using folder = temporaryFolder();
    const ada = await certify('ec-p256', 'CN=Ada', { days: 30 });
    const file = await contentOf(folder.path, await sampleFor(format, TEXT));
    const made = await signAs(format, file, await certifiedKey('ec-p256', ada), { timestamp: (imprint) => askForTimestamp(authority.url, imprint, signal) });
    const [holder, signature] = format === 'jar' ? [await contentOf(folder.path, made, 'signed'), null] : [file, made];
    const later = new Date(Date.now() + 400 * 86_400_000);
    expect(await verifyAs(holder, signature, trustingCertificates([ada, ...roots()], { at: later }))).toMatchObject([{ intact: true, trustedBy: { name: 'CN=Ada' }, time: { according: 'timestamp', by: 'CN=Time Authority' } }]);
    expect(await verifyAs(holder, signature, trustingCertificates([ada], { at: later }))).toMatchObject([{ intact: true, trustedBy: null }]);
    if (format !== 'xml') return;
    // A stamp of another signature is none of this one.
    const other = (await signAs(format, file, await certifiedKey('ec-p256', ada), { timestamp: (imprint) => askForTimestamp(authority.url, imprint, signal) })).toString();
    const stamp = /<xades:EncapsulatedTimeStamp>[^<]*/;
    expect(await verifyAs(file, Buffer.from(made.toString().replace(stamp, stamp.exec(other)![0])), trustingCertificates([ada, ...roots()]))).toMatchObject([{ intact: true, trustedBy: null, problem: expect.stringContaining('does not hold') }]);
  });

  test('a certificate that has ended, is for something else or is not sent makes no timestamp', async () => {
    using folder = temporaryFolder();
    const write = (name: string, content: Uint8Array | string): string => { writeFileSync(join(folder.path, name), content); return join(folder.path, name); };
    const key = write('key.pem', pairOf('rsa-2048').privateKey.export({ type: 'pkcs8', format: 'pem' }));
    write('conf', '[stamp]\nextendedKeyUsage=critical,timeStamping\n[code]\nextendedKeyUsage=codeSigning\n[none]\nbasicConstraints=CA:FALSE\n');
    // Made before anything is stamped, so that they have begun by then.
    run('openssl', ['req', '-new', '-key', key, '-subj', '/CN=Other Authority', '-out', join(folder.path, 'csr')]);
    for (const [section, days] of [['stamp', -1], ['stamp', 5], ['code', 5], ['none', 5]] as const) run('openssl', ['x509', '-req', '-in', join(folder.path, 'csr'), '-signkey', key, '-days', String(days), '-extfile', join(folder.path, 'conf'), '-extensions', section, '-out', join(folder.path, `${section}${days}.pem`)]);
    /** The authority's own statement, signed anew by another certificate. */
    const by = (section: string, days: number, ...more: string[]) => (right: Buffer): { body: Uint8Array } => {
      const cert = join(folder.path, `${section}${days}.pem`);
      const said = write('said', readTimestampToken(readTimestampResponse(right).token!).content);
      run('openssl', ['cms', '-sign', '-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4', '-in', said, '-signer', cert, '-inkey', key, '-outform', 'DER', '-out', join(folder.path, 'token'), ...more]);
      return { body: timestampResponse(readFileSync(join(folder.path, 'token'))) };
    };
    const ask = (): Promise<Uint8Array> => askForTimestamp(authority.url, { hash: 'sha256', digest: Buffer.alloc(32) }, signal);
    for (const [answer, expected] of [[by('stamp', -1), /certificate that ended on/], [by('code', 5), /not for timestamps/], [by('none', 5), /not for timestamps/], [by('stamp', 5, '-nocerts'), /without its certificate/]] as const) {
      authority.misbehave(answer);
      await expect(ask()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE', message: expect.stringMatching(expected) });
    }
    authority.misbehave(by('stamp', 5));
    await ask();
    authority.misbehave(undefined);
  });

  test('an authority that says nothing, stops amid its answer, hangs up or sends elsewhere is given up, and a caller who gives up is heard', async () => {
    const sockets: Socket[] = [];
    const silent: ((socket: Socket) => void)[] = [() => undefined, (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n0\u0082')];
    const answers: ((socket: Socket) => void)[] = [
      (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n0\u0082'), (socket) => socket.destroy(), (socket) => socket.end('HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n'), (socket) => socket.end('SSH-2.0-OpenSSH_9\r\n'),
    ];
    let answer = silent[0]!;
    const server = createServer((socket) => { sockets.push(socket); socket.on('error', () => undefined).once('data', () => answer(socket)); });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const imprint = { hash: 'sha256', digest: Buffer.alloc(32) } as const;
    const said: string[] = [];
    const outcome = (patience: number): Promise<string> => askForTimestamp(url, imprint, signal, patience).then(() => 'a timestamp', (thrown: KeywrightError) => `${thrown.code}: ${thrown.message}`);
    for (answer of silent) said.push(await outcome(300));
    for (answer of answers) said.push(await outcome(60_000));
    expect(said.map((one) => one.replace(/127\.0\.0\.1:\d+ /, ''))).toEqual([
      expect.stringMatching(/^BACKEND_UNAVAILABLE.*did not answer within 0\.3 s/), expect.stringMatching(/^BACKEND_UNAVAILABLE.*did not answer within/), expect.stringMatching(/^BACKEND_UNAVAILABLE.*broke off/),
      expect.stringMatching(/^BACKEND_UNAVAILABLE.*did not answer\./), expect.stringMatching(/^BACKEND_UNAVAILABLE.*HTTP status 302/), expect.stringMatching(/^BACKEND_UNAVAILABLE.*did not answer\./),
    ]);
    answer = silent[0]!;
    const caller = new AbortController();
    const waiting = askForTimestamp(url, imprint, caller.signal);
    setTimeout(() => caller.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  test('an answer that refuses, is of something else, of another request, or no answer at all, leaves no signature', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT);
    const sign = async () => signAs('cms', file, await certifiedKey('ec-p256'), { timestamp: (imprint) => askForTimestamp(authority.url, imprint, signal) });
    const earlier = timestampResponse(await askForTimestamp(authority.url, { hash: 'sha256', digest: await file.digest('sha256') }, signal));
    const answers: ((right: Buffer) => { status?: number; body: Uint8Array })[] = [
      () => ({ body: earlier }), () => ({ status: 500, body: Buffer.alloc(0) }), () => ({ body: Buffer.from('<html>') }), () => ({ body: Buffer.alloc(2 * 1024 * 1024) }), () => ({ body: REFUSED }), () => ({ body: Buffer.from('30053003020102', 'hex') }),
      (right) => ({ body: right.subarray(0, right.length - 1) }), (right) => { const changed = Buffer.from(right); changed[changed.length - 5]! ^= 1; return { body: changed }; },
    ];
    for (const answer of answers) {
      authority.misbehave(answer);
      await expect(sign()).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    }
    authority.misbehave(() => ({ body: REFUSED }));
    await expect(sign()).rejects.toMatchObject({ message: expect.stringContaining('gave no timestamp: rejected: not today: it does not know the digest') });
    authority.misbehave(undefined);
    await sign();
    await expect(askForTimestamp('http://127.0.0.1:9/none', { hash: 'sha256', digest: Buffer.alloc(32) }, signal)).rejects.toMatchObject({ code: 'BACKEND_UNAVAILABLE' });
    await expect(askForTimestamp('file:///etc/passwd', { hash: 'sha256', digest: Buffer.alloc(32) }, signal)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

const CORPUS = corpus('rfc3161');
describe.skipIf(CORPUS === undefined)('timestamps by others (skipped without the corpora)', () => {
  const read = (name: string): Buffer => readFileSync(join(CORPUS as string, name));
  const judged = async (name: string, content: Uint8Array, anchors: string[] = []): Promise<string> => {
    using folder = temporaryFolder();
    try {
      const [verdict] = await verifyAs(await contentOf(folder.path, content), read(name), trustingCertificates(anchors.flatMap((file) => readCertificates(read(file)))), 'timestamp');
      return verdict!.intact ? (verdict!.trustedBy === null ? 'intact' : `trusted at ${verdict!.time!.at.slice(0, 10)}`) : 'broken';
    } catch (thrown) {
      if (thrown instanceof KeywrightError) return thrown.code;
      throw thrown;
    }
  };

  test('are judged as their makers say', async () => {
    const data = read('digitorus/data.txt');
    const client = 'rfc3161-client';
    const [hello, payload] = [Buffer.from('hello'), read(`${client}/sigstore.mock/payload`)];
    const stage = [`${client}/sigstage/ts_chain.pem`];
    const verdicts: Record<string, string> = {
      nonce: await judged('digitorus/respNonce.tsr', data), rejection: await judged('digitorus/respRejection.tsr', data), other: await judged('digitorus/timeStampToken.tst', Buffer.from('other')),
      identrust: await judged(`${client}/identrust/issue-104.tsr`, hello, [`${client}/identrust/ts_chain.pem`]), expired: await judged(`${client}/sigstore.mock/response-expired.tsr`, payload, [`${client}/sigstore.mock/ts_chain.pem`]),
      sha256: await judged(`${client}/sigstage/response-sha256.tsr`, hello, stage), sha384: await judged(`${client}/sigstage/response-sha384.tsr`, hello, stage), sha512: await judged(`${client}/sigstage/response-sha512.tsr`, hello, stage),
      without: await judged(`${client}/sigstage/response-no-embedded-cert.tsr`, hello, stage), nobody: await judged(`${client}/sigstage/response-no-embedded-cert.tsr`, hello), forged: await judged(`${client}/sigstage/response-invalid-signature.tsr`, hello, stage),
    };
    expect(verdicts).toEqual({
      nonce: 'intact', rejection: 'INVALID_INPUT', other: 'broken', identrust: 'trusted at 2025-03-11', expired: 'trusted at 2023-02-01', sha256: 'trusted at 2025-05-09', sha384: 'trusted at 2025-05-09', sha512: 'trusted at 2025-05-09',
      without: 'trusted at 2025-06-18', nobody: 'broken', forged: 'broken',
    });
  });
});
