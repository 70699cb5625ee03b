import { createHmac, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KeywrightError, type SignatureFormatName } from '../contract/index.ts';
import { writePublicKey } from '../formats/index.ts';
import { HAS_SSH_KEYGEN, pairOf, run, temporaryFolder } from '../formats/testing/keys.ts';
import { SIGNATURE_FORMATS, SIGNATURE_FORMAT_NAMES } from './table.ts';
import { certifiedKey } from './testing/certificates.ts';
import { sampleFor } from './testing/samples.ts';
import { contentOf, signAs, signingKey, trusting, trustingSpki, verifyAs } from './testing/keys.ts';

/** Signatures that somebody has tampered with. */

const TEXT = '{"sub":"ada"}';
/** Where signatures are large, their own tests change each part of them. */
const STEPS: Partial<Record<SignatureFormatName, number>> = { jar: 29, pdf: 29, xml: 19, asic: 37 };
const stepFor = (format: SignatureFormatName, step: number): number => STEPS[format] ?? step;
const keyFor = (format: SignatureFormatName) => (format === 'minisign' || format === 'signify' ? 'ed25519' : 'ec-p256');

async function isRefused(format: SignatureFormatName, signature: Uint8Array, folder: string): Promise<boolean> {
  const embedded = SIGNATURE_FORMATS[format].detached === 'never';
  const file = await contentOf(folder, embedded ? signature : await sampleFor(format, TEXT), 'file');
  try {
    const verdicts = await verifyAs(file, embedded ? null : signature, trusting(keyFor(format)), format);
    return verdicts.length > 0 && verdicts.every(({ intact, trustedBy, problem }) => !intact && trustedBy === null && problem !== null);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown.code === 'INVALID_INPUT' || thrown.code === 'CAPABILITY_MISSING';
    throw thrown;
  }
}

describe.each(SIGNATURE_FORMAT_NAMES.filter((format) => SIGNATURE_FORMATS[format].uses > 0).map((format) => [format]))('%s', (format) => {
  test('cut off anywhere, it is refused', async () => {
    using folder = temporaryFolder();
    const made = await signAs(format, await contentOf(folder.path, await sampleFor(format, TEXT)), await certifiedKey(keyFor(format)));
    const isText = made.every((byte) => byte < 0x80);
    for (let length = 0; length < made.length; length += stepFor(format, made.length > 600 ? 7 : 1)) {
      const cut = made.subarray(0, length);
      // Without its last line end it says the same.
      if (isText && made.toString().trimEnd() === cut.toString().trimEnd()) continue;
      expect([length, await isRefused(format, cut, folder.path)]).toEqual([length, true]);
    }
  });

  test('with any bit changed it is refused, or says the same as before', async () => {
    using folder = temporaryFolder();
    const made = await signAs(format, await contentOf(folder.path, await sampleFor(format, TEXT)), await certifiedKey(keyFor(format)));
    // Parts that are not signed and change no meaning: comments, key ids, line ends, armour.
    const indifferent = { raw: 0, sshsig: 60, minisign: 60, signify: 60, jws: 0, jwt: 0, dsse: 110, cose: 40, cms: 30, openpgp: 40, jar: 30, pdf: 30, xml: 30, asic: 60 }[format as string] ?? 0;
    let accepted = 0;
    for (let at = 0; at < made.length; at += stepFor(format, 1)) {
      const changed = Buffer.from(made);
      changed[at] = (changed[at] as number) ^ 0x04;
      if (!(await isRefused(format, changed, folder.path))) accepted += 1;
    }
    expect(accepted).toBeLessThanOrEqual(indifferent);
  });
});

describe('JWS', () => {
  const encode = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const judge = async (token: string, key: 'ec-p256' | 'rsa-2048' = 'ec-p256') => {
    using folder = temporaryFolder();
    return (await verifyAs(await contentOf(folder.path, token), null, trusting(key), 'jws'))[0];
  };

  test.each(['none', 'None', 'NONE'])('with the algorithm %s proves nothing', async (alg) => {
    expect(await judge(`${encode({ alg })}.${encode(TEXT)}.`)).toMatchObject({ intact: false, problem: expect.stringContaining('not signed') });
  });

  test('a public key is never taken for the secret of a MAC', async () => {
    for (const format of ['pem', 'der', 'jwk'] as const) {
      const start = `${encode({ alg: 'HS256' })}.${encode(TEXT)}`;
      const mac = createHmac('sha256', writePublicKey(pairOf('rsa-2048').spki, 'rsa-2048', format)).update(start).digest('base64url');
      expect(await judge(`${start}.${mac}`, 'rsa-2048')).toMatchObject({ intact: false, problem: expect.stringContaining('proves nothing') });
    }
  });

  test('the key that the header brings along is not believed', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT);
    const key = signingKey('ec-p384');
    const jwk = createPublicKey({ key: pairOf('ec-p384').spki, format: 'der', type: 'spki' }).export({ format: 'jwk' });
    const header = encode({ alg: 'ES384', jwk });
    const made = await signAs('jws', file, key, { detached: false });
    const [, payload] = made.toString().split('.');
    expect(await judge(`${header}.${payload}.${made.toString().split('.')[2]}`)).toMatchObject({ intact: false, trustedBy: null });
  });

  test('what must not be ignored, and is not known, is refused; so is b64 where it is not marked so', async () => {
    for (const header of [{ alg: 'ES256', crit: ['exp'], exp: 1 }, { alg: 'ES256', crit: [] }, { alg: 'ES256', crit: ['b64'] }, { alg: 'ES256', b64: false }, { alg: 'ES256', crit: 'b64', b64: false }]) {
      expect(await judge(`${encode(header)}.${encode('x')}.${encode('signature')}`)).toMatchObject({ intact: false });
    }
  });

  test('a token that has expired, or is not valid yet, is intact and not trusted', async () => {
    using folder = temporaryFolder();
    for (const [claims, problem] of [[{ exp: 1000 }, 'expired'], [{ nbf: 9_000_000_000 }, 'not valid before'], [{ exp: 9_000_000_000, iat: 1 }, null]] as const) {
      const made = await signAs('jwt', await contentOf(folder.path, JSON.stringify(claims)), signingKey('ec-p256'));
      const [verdict] = await verifyAs(await contentOf(folder.path, made, 'token'), null, trusting('ec-p256'));
      expect(verdict).toMatchObject(problem === null ? { intact: true, trustedBy: { source: 'held-key' }, time: { at: '1970-01-01T00:00:01.000Z', according: 'signer' } } : { intact: true, trustedBy: null, problem: expect.stringContaining(problem) });
    }
    for (const claims of ['[]', '"text"', '{"exp":"tomorrow"}', '{"exp":1e300}']) await expect(signAs('jwt', await contentOf(folder.path, claims), signingKey('ec-p256'))).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });
});

describe('minisign', () => {
  test('the trusted comment is one line, whatever the file is called', async () => {
    using folder = temporaryFolder();
    const file = await contentOf(folder.path, TEXT, 'two\nlines');
    for (const options of [{}, { comment: 'a\nb\r\nc\0' }, { prehash: false }]) {
      const made = await signAs('minisign', file, signingKey('ed25519'), options);
      expect(made.toString().split('\n')).toHaveLength(5);
      expect(await verifyAs(file, made, trusting('ed25519'))).toMatchObject([{ intact: true }]);
    }
  });
});

describe.skipIf(!HAS_SSH_KEYGEN)('allowed signers and certificates, as ssh-keygen judges them (skipped without it)', () => {
  const ssh = (key: 'ed25519' | 'ec-p256' | 'ec-p384'): string => Buffer.from(writePublicKey(pairOf(key).spki, key, 'openssh')).toString().trim();
  const line = (options: string, key: 'ed25519' | 'ec-p256' | 'ec-p384' = 'ec-p256'): string => `${options} ${ssh(key)}\n`;

  /** @returns what we and ssh-keygen say, which must be the same. */
  async function both(allowed: string, identity: string, made: Buffer, folder: string, at?: string): Promise<boolean> {
    writeFileSync(join(folder, 'allowed'), allowed);
    writeFileSync(join(folder, 'sig'), made);
    const time = at === undefined ? [] : ['-O', `verify-time=${at}`];
    let theirs = true;
    try {
      run('ssh-keygen', ['-Y', 'verify', ...time, '-f', join(folder, 'allowed'), '-I', identity, '-n', 'file', '-s', join(folder, 'sig')], Buffer.from(TEXT));
    } catch {
      theirs = false;
    }
    const date = at === undefined ? new Date() : new Date(`${at.slice(0, 4)}-${at.slice(4, 6)}-${at.slice(6, 8)}T00:00:00Z`);
    const [verdict] = await verifyAs(await contentOf(folder, TEXT), made, { keys: [], named: false, at: date, allowedSigners: Buffer.from(allowed), identity });
    expect([allowed, identity, verdict?.trustedBy !== null, verdict?.problem]).toEqual([allowed, identity, theirs, verdict?.problem]);
    return theirs;
  }

  test('patterns, namespaces and times mean the same', async () => {
    using folder = temporaryFolder();
    const made = await signAs('sshsig', await contentOf(folder.path, TEXT), signingKey('ec-p256'));
    const verdicts: boolean[] = [];
    for (const [options, identity, at] of [
      ['ada@example.com', 'ada@example.com'], ['ada@example.com', 'eve@example.com'], ['*@example.com', 'eve@example.com'], ['*@example.com,!eve@example.com', 'eve@example.com'], ['a?a@*', 'ada@example.com'],
      ['ada@example.com namespaces="file"', 'ada@example.com'], ['ada@example.com namespaces="git,f*"', 'ada@example.com'], ['ada@example.com namespaces="git"', 'ada@example.com'], ['"ada@example.com" namespaces="file"', 'ada@example.com'],
      ['ada@example.com valid-after="20200101Z",valid-before="20210101Z"', 'ada@example.com', '20200601Z'], ['ada@example.com valid-after="20200101Z"', 'ada@example.com', '20190601Z'], ['ada@example.com valid-before="20200101Z"', 'ada@example.com', '20200601Z'],
      ['ada@example.com cert-authority', 'ada@example.com'],
    ] as const) verdicts.push(await both(`# who may sign\n\n${line(options)}`, identity, made, folder.path, at));
    expect(verdicts).toEqual([true, false, true, false, true, true, true, false, true, true, false, false, false]);
    expect(await both(line('ada@example.com', 'ed25519'), 'ada@example.com', made, folder.path)).toBe(false);
  });

  test('a certificate counts by its authority, its principals and its time', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    writeFileSync(join(path, 'key.pub'), `${ssh('ec-p256')}\n`);
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(path, 'ca')]);
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(path, 'other')]);
    const authority = readFileSync(join(path, 'ca.pub'), 'utf8');
    const certified = async (...options: string[]): Promise<Buffer> => {
      run('ssh-keygen', ['-q', '-s', join(path, 'ca'), '-I', 'Ada', ...options, join(path, 'key.pub')]);
      return signAs('sshsig', await contentOf(path, TEXT), signingKey('ec-p256'), { certificate: readFileSync(join(path, 'key-cert.pub')) });
    };
    const good = await certified('-n', 'ada@example.com,root', '-V', '20200101Z:20400101Z');
    const verdicts = [
      await both(`*@example.com cert-authority ${authority}`, 'ada@example.com', good, path), await both(`*@example.com cert-authority ${authority}`, 'root', good, path),
      await both(`* cert-authority ${authority}`, 'eve@example.com', good, path), await both(`* ${authority}`, 'ada@example.com', good, path),
      await both(`* cert-authority ${readFileSync(join(path, 'other.pub'), 'utf8')}`, 'ada@example.com', good, path), await both(`* cert-authority ${authority}`, 'ada@example.com', good, path, '20410101Z'),
      await both(line('ada@example.com'), 'ada@example.com', good, path),
    ];
    expect(verdicts.slice(0, 6)).toEqual([true, false, false, false, false, false]);
    await expect(certified('-n', 'ada@example.com', '-V', '20200101Z:20210101Z')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(certified('-h', '-n', 'host.example.com')).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const cert = readFileSync(join(path, 'key-cert.pub'));
    await expect(signAs('sshsig', await contentOf(path, TEXT), signingKey('ed25519'), { certificate: cert })).rejects.toMatchObject({ code: 'INVALID_INPUT' });
  });

  test('a list that cannot be read is refused with the line', async () => {
    using folder = temporaryFolder();
    const made = await signAs('sshsig', await contentOf(folder.path, TEXT), signingKey('ec-p256'));
    for (const list of ['ada', line('ada@example.com sudo'), line('ada@example.com valid-after="soon"'), line('ada@example.com valid-after="20200230Z"'), 'ada ssh-ed25519 AAAA']) {
      await expect(verifyAs(await contentOf(folder.path, TEXT), made, { keys: [], named: false, at: new Date(), allowedSigners: Buffer.from(`\n${list}`) })).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: 'line 2' } });
    }
  });
});

test('a key that is marked as compromised is known and not trusted', async () => {
  using folder = temporaryFolder();
  const file = await contentOf(folder.path, TEXT);
  const { keys: [key] } = trusting('ec-p256');
  const trust = { keys: [{ ...key!, distrust: 'It was stolen.' }], named: false, at: new Date() };
  for (const format of ['raw', 'sshsig', 'jws'] as const) {
    const made = await signAs(format, file, signingKey('ec-p256'));
    expect(await verifyAs(file, made, trust)).toMatchObject([{ intact: true, trustedBy: null, problem: 'It was stolen.' }]);
  }
});

test('a signature by another key than the one that was named does not count, though that one is right', async () => {
  using folder = temporaryFolder();
  const file = await contentOf(folder.path, TEXT);
  const made = await signAs('sshsig', file, signingKey('ec-p256'));
  expect(await verifyAs(file, made, trustingSpki(pairOf('ec-p384').spki))).toMatchObject([{ intact: false, trustedBy: null }]);
  expect(await verifyAs(file, made, trustingSpki(pairOf('ec-p256').spki))).toMatchObject([{ intact: true, trustedBy: { source: 'named-key' } }]);
});
