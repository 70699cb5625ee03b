import { createPrivateKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KeywrightError, SecretBytes } from '../contract/index.ts';
import { decryptPkcs8, DEFAULT_LIMITS, limitsFrom, MAX_KEY_FILE, readPublicKey, recognise, writeKey, writePublicKey } from './index.ts';
import { der, derInteger, derOid, DerReader, derSequence, TAG } from './der.ts';
import { writePem } from './pem.ts';
import { buildPkcs1, buildPkcs8, parsePkcs8, type PrivateParts } from './private-parts.ts';
import { failure, materialOf, pairOf, read, readOne } from './testing/keys.ts';
import type { KeyFileFormat } from './types.ts';

const WORD = 'another pass phrase 99';

/** A small generator of its own (mulberry32), so that each run damages the same bytes. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Truncations and bit flips. The PEM ones hit base64 and labels, the DER ones lengths and values. */
function* damaged(content: Uint8Array, seed: number, count: number): Generator<Buffer> {
  const random = seeded(seed);
  for (let index = 0; index < count; index++) {
    if (index % 3 === 0) yield Buffer.from(content.subarray(0, random(content.length)));
    else {
      const bytes = Buffer.from(content);
      for (let flips = 1 + random(3); flips > 0; flips--) {
        const at = random(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << random(8));
      }
      yield bytes;
    }
  }
}

/** Valid files, none with so many rounds of key derivation that the run would take minutes. */
async function samples(): Promise<[string, Uint8Array][]> {
  const of = async (algorithm: Parameters<typeof materialOf>[0], format: KeyFileFormat, encoding: 'pem' | 'der' = 'pem'): Promise<Uint8Array> => writeKey(materialOf(algorithm), { format, encoding, label: 'Ada' });
  const quick = { cipher: 'aes-256-cbc', passphrase: WORD } as const;
  return [
    ['PKCS#8 of RSA, DER', await of('rsa-2048', 'pkcs8', 'der')], ['PKCS#8 of P-256, PEM', await of('ec-p256', 'pkcs8')], ['PKCS#8 of Ed448, DER', await of('ed448', 'pkcs8', 'der')],
    ['PKCS#8 of ML-DSA, DER', await of('ml-dsa-44', 'pkcs8', 'der')], ['PKCS#8 of ML-KEM, DER', await of('ml-kem-512', 'pkcs8', 'der')],
    ['PKCS#1, PEM', await of('rsa-2048', 'pkcs1')], ['SEC 1, DER', await of('ec-brainpoolp384r1', 'sec1', 'der')],
    ['JWK of RSA', await of('rsa-2048', 'jwk')], ['JWK of P-521', await of('ec-p521', 'jwk')], ['JWK of a secret', await of('hmac-sha512', 'jwk')], ['JWK of ML-DSA', await of('ml-dsa-65', 'jwk')],
    ['OpenSSH of RSA', await of('rsa-2048', 'openssh')], ['OpenSSH of Ed25519', await of('ed25519', 'openssh')], ['OpenSSH of P-384', await of('ec-p384', 'openssh')],
    ['encrypted PKCS#8, DER', pairOf('ec-p256').privateKey.export({ type: 'pkcs8', format: 'der', ...quick })],
    ['encrypted SEC 1, PEM', Buffer.from(pairOf('ec-p256').privateKey.export({ type: 'sec1', format: 'pem', ...quick }))],
  ];
}

describe('damage', () => {
  test('of key files is answered by an error of ours or by the same key, and by no other', async () => {
    for (const [name, content] of await samples()) {
      const { material } = await readOne(content, WORD);
      for (const bytes of damaged(content, 1, 200)) {
        try {
          for (const key of await read(bytes, WORD)) {
            // A flip in a comment, a JWK's kid or an ignored member changes nothing. A bare seed or secret has nothing to check it by.
            if (['hmac-sha512', 'ed448', 'x448'].includes(key.material.algorithm)) continue;
            const [found, whole] = [key, { material }].map(({ material: { secret } }) => createPrivateKey({ key: Buffer.from(secret.reveal()), format: 'der', type: 'pkcs8' }));
            if (!found?.equals(whole as never)) throw new Error(`${name}: another key came out`);
          }
        } catch (thrown) {
          if (!(thrown instanceof KeywrightError) || thrown.code === 'INTERNAL') throw new Error(`${name}: ${String(thrown)}`, { cause: thrown });
        }
        recognise(bytes);
      }
    }
  });

  test('of public keys is answered by an error of ours or by a whole key', () => {
    for (const [algorithm, format] of [['rsa-2048', 'der'], ['ec-p256', 'pem'], ['ed25519', 'openssh'], ['rsa-2048', 'openssh'], ['ec-p384', 'jwk'], ['ml-kem-768', 'jwk'], ['ml-dsa-87', 'der']] as const) {
      for (const bytes of damaged(writePublicKey(pairOf(algorithm).spki, algorithm, format, 'Ada'), 2, 300)) {
        try {
          const { spki } = readPublicKey(bytes);
          expect(Buffer.from(readPublicKey(spki).spki)).toEqual(Buffer.from(spki));
        } catch (thrown) {
          if (!(thrown instanceof KeywrightError) || thrown.code === 'INTERNAL') throw thrown;
        }
      }
    }
  });
});

describe('a private key that is not the one of its public part is refused:', () => {
  const mine = parsePkcs8(pairOf('rsa-2048').pkcs8);
  const refused = async (content: Uint8Array): Promise<void> => {
    const error = await failure(() => read(content));
    expect(error.code).toBe('INVALID_INPUT');
  };

  test('RSA with any one number changed', async () => {
    if (mine.kind !== 'rsa') throw new Error('not RSA');
    for (const name of ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'] as const) await refused(buildPkcs1({ ...mine, [name]: mine[name] + 2n }));
  });

  test('RSA whose numbers fit each other, but whose factors are not prime', async () => {
    if (mine.kind !== 'rsa') throw new Error('not RSA');
    // p is odd and composite, and n, d and all else are computed as if it were prime.
    const inverse = (value: bigint, modulus: bigint): bigint => {
      let [r, next, s, t] = [modulus, value % modulus, 0n, 1n];
      while (next !== 0n) [r, next, s, t] = [next, r % next, t, s - (r / next) * t];
      return r === 1n ? (s + modulus) % modulus : 0n;
    };
    const { q, e } = mine;
    let p = mine.p + 2n;
    while (inverse(e, (p - 1n) * (q - 1n)) === 0n || inverse(q, p) === 0n) p += 2n;
    const d = inverse(e, (p - 1n) * (q - 1n));
    await refused(buildPkcs1({ n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) }));
  });

  test('EC with the point of another key, with a point off the curve, and with a scalar out of range', async () => {
    const { pkcs8 } = pairOf('ec-p256');
    const point = Buffer.from(pkcs8.subarray(pkcs8.length - 65));
    const stranger = pairOf('ec-secp256k1').spki.subarray(-65);
    for (const replacement of [stranger, Buffer.concat([point.subarray(0, 64), Buffer.of((point[64] as number) ^ 1)])]) await refused(Buffer.concat([pkcs8.subarray(0, -65), replacement]));
    const mirrored = Buffer.from(point);
    const prime = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
    Buffer.from((prime - BigInt(`0x${point.subarray(33).toString('hex')}`)).toString(16).padStart(64, '0'), 'hex').copy(mirrored, 33);
    await refused(Buffer.concat([pkcs8.subarray(0, -65), mirrored])); // on the curve, but of n - d
    const parts = parsePkcs8(pkcs8) as PrivateParts & { kind: 'ec' };
    for (const scalar of [Buffer.alloc(32), Buffer.alloc(32, 0xff), Buffer.alloc(0), Buffer.alloc(33, 1)]) {
      await refused(derSequence(derInteger(1n), der(TAG.octetString, scalar), der(0xa0, derOid('1.2.840.10045.3.1.7'))));
    }
    expect(parts.scalar).toHaveLength(32);
  });

  test('Ed25519 and X25519 with the public key of another in version 2 of PKCS#8', async () => {
    for (const algorithm of ['ed25519', 'x25519'] as const) {
      const { pkcs8, spki } = pairOf(algorithm);
      const withPublic = (bytes: Uint8Array): Buffer => derSequence(derInteger(1n), pkcs8.subarray(5), der(0x81, Buffer.of(0), bytes));
      expect((await readOne(withPublic(spki.subarray(-32)))).material.algorithm).toBe(algorithm);
      await refused(withPublic(Buffer.alloc(32, 9)));
    }
  });

  test('a JWK, an SLH-DSA key and an OpenSSH key with the public part of another', async () => {
    const jwk = JSON.parse(Buffer.from(await writeKey(materialOf('ed25519'), { format: 'jwk', encoding: 'pem' })).toString()) as { x: string };
    const postQuantum = JSON.parse(Buffer.from(await writeKey(materialOf('ml-dsa-44'), { format: 'jwk', encoding: 'pem' })).toString()) as { pub: string };
    await refused(Buffer.from(JSON.stringify({ ...jwk, x: Buffer.alloc(32, 9).toString('base64url') })));
    await refused(Buffer.from(JSON.stringify({ ...postQuantum, pub: `AAAA${postQuantum.pub.slice(4)}` })));
    const slh = Buffer.from(pairOf('slh-dsa-sha2-128f').pkcs8);
    slh[slh.length - 1] = (slh[slh.length - 1] as number) ^ 1; // the root of the hypertree, which is public
    await refused(slh);
    const ssh = Buffer.from((Buffer.from(await writeKey(materialOf('ed25519'), { format: 'openssh', encoding: 'pem' })).toString().split('\n').slice(1, -2)).join(''), 'base64');
    ssh[70] = (ssh[70] as number) ^ 1;
    await refused(writePem('OPENSSH PRIVATE KEY', ssh));
  });
});

describe('bombs', () => {
  test('a file beyond the bound is refused at once, with the place', async () => {
    const error = await failure(() => read(new Uint8Array(1024 * 1024 * 1024)));
    expect([error.code, error.facts.where]).toEqual(['INVALID_INPUT', `offset ${MAX_KEY_FILE}`]);
    expect((await failure(() => readPublicKey(new Uint8Array(64 * 1024 * 1024)))).code).toBe('INVALID_INPUT');
  });

  test('deep JSON is refused at the level that is too deep', async () => {
    const error = await failure(() => read(`{"kty":${'['.repeat(1_000_000)}`));
    expect([error.code, error.facts.where]).toEqual(['INVALID_INPUT', 'offset 22']);
  });

  test('deep DER does not recurse, and a length of gigabytes reserves nothing', async () => {
    const deep = Buffer.alloc(3_000_000);
    for (let at = 0; at + 6 <= deep.length; at += 6) {
      deep[at] = 0x30;
      deep[at + 1] = 0x84;
      deep.writeUInt32BE(deep.length - at - 6, at + 2);
    }
    expect((await failure(() => read(deep))).code).toBe('INVALID_INPUT');
    const claimed = await failure(() => read(Buffer.from('3084ffffffff020100', 'hex')));
    expect([claimed.code, claimed.facts.where]).toEqual(['INVALID_INPUT', 'offset 0']);
  });

  test('a key derivation that would take minutes or gigabytes is refused before it begins', async () => {
    const encrypted = (kdf: Buffer): Buffer => derSequence(
      derSequence(derOid('1.2.840.113549.1.5.13'), derSequence(kdf, derSequence(derOid('2.16.840.1.101.3.4.1.42'), der(TAG.octetString, Buffer.alloc(16))))), der(TAG.octetString, Buffer.alloc(32)));
    const pbkdf2 = (rounds: bigint): Buffer => encrypted(derSequence(derOid('1.2.840.113549.1.5.12'), derSequence(der(TAG.octetString, Buffer.alloc(8)), derInteger(rounds))));
    const scrypt = (N: bigint, r: bigint, p: bigint): Buffer => encrypted(derSequence(derOid('1.3.6.1.4.1.11591.4.11'), derSequence(der(TAG.octetString, Buffer.alloc(8)), derInteger(N), derInteger(r), derInteger(p))));
    const word = SecretBytes.fromText(WORD);
    for (const [content, code] of [
      [pbkdf2(2n ** 31n), 'CAPABILITY_MISSING'], [pbkdf2(2n ** 100n), 'CAPABILITY_MISSING'], [pbkdf2(0n), 'INVALID_INPUT'],
      [scrypt(2n ** 24n, 8n, 1n), 'CAPABILITY_MISSING'], [scrypt(16n, 8n, 1000n), 'CAPABILITY_MISSING'], [scrypt(3n, 8n, 1n), 'INVALID_INPUT'], [scrypt(2n ** 17n, 1n, 1n), 'INVALID_INPUT'], [scrypt(2n, 0n, 1n), 'INVALID_INPUT'],
    ] as const) {
      expect((await failure(() => decryptPkcs8(content, word))).code).toBe(code);
    }
  });

  test('many keys of which each may be opened are refused together once they cost too much', async () => {
    const one = Buffer.from(await writeKey(materialOf('ed25519'), { format: 'pkcs8', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) })); // 600,000 rounds
    try {
      limitsFrom(() => ({ ...DEFAULT_LIMITS, rounds: 600_000 }));
      expect(await read(Buffer.concat([one, one]), WORD)).toHaveLength(2);
      const refusal = await failure(() => read(Buffer.concat(Array.from({ length: 6 }, () => one)), WORD));
      expect([refusal.code, refusal.message]).toEqual(['CAPABILITY_MISSING', expect.stringContaining('more than 3000000 rounds')]);
    } finally {
      limitsFrom(() => DEFAULT_LIMITS);
    }
  });

  test('an OpenSSH key with more rounds of bcrypt than the setting allows is refused before the first', async () => {
    const ssh = Buffer.from(await writeKey(materialOf('ed25519'), { format: 'openssh', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) }));
    const slow = Buffer.from(ssh.toString().split('\n').slice(1, -2).join(''), 'base64');
    slow.writeUInt32BE(1001, slow.indexOf(Buffer.from('bcrypt')) + 6 + 4 + 4 + 16);
    expect((await failure(() => read(writePem('OPENSSH PRIVATE KEY', slow, 70), WORD))).message).toContain('1001 rounds of bcrypt; 1000 is the most (setting formats.maxRounds)');
  });

  test('a key that is refused leaves no trace on the next one', async () => {
    // node:crypto leaves OpenSSL's complaint about scrypt where the next createPrivateKey finds it and fails.
    expect((await readOne(await writeKey(materialOf('ec-p256'), { format: 'pkcs8', encoding: 'pem' }))).material.algorithm).toBe('ec-p256');
  });

  test('thousands of PEM blocks or JWKs are refused', async () => {
    expect((await failure(() => read('-----BEGIN X-----\nAAAA\n-----END X-----\n'.repeat(2000)))).code).toMatch(/INVALID_INPUT|CAPABILITY_MISSING/);
    expect((await failure(() => read(JSON.stringify({ keys: Array.from({ length: 2000 }, () => ({ kty: 'oct', k: 'AAAA', alg: 'HS256' })) })))).facts.where).toBe('/keys/1000');
  });
});

describe('an error', () => {
  test('never quotes the file, whose content is secret', async () => {
    const canary = 'c2VjcmV0LWNhbmFyeS1vZi10aGUta2V5';
    for (const content of [`{"kty":"oct","alg":"HS256","k":"${canary}" ${canary}}`, `{"kty":"oct","alg":"HS256","k":"${canary}"}`, `{"kty":"${canary}","d":"x"`, `-----BEGIN PRIVATE KEY-----\n${canary}\n-----END PRIVATE KEY-----\n`, `-----BEGIN PRIVATE KEY-----\n${canary}!\n`]) {
      const error = await failure(() => read(content));
      expect(JSON.stringify([error.message, error.facts, String(error.cause)])).not.toContain(canary.slice(0, 12));
    }
  });

  test('tells the line of a PEM block and the offset within it', async () => {
    const good = Buffer.from(await writeKey(materialOf('ec-p256'), { format: 'pkcs8', encoding: 'pem' })).toString();
    const broken = writePem('PRIVATE KEY', derSequence(derInteger(7n))).toString();
    expect((await failure(() => read(`# two keys\n${good}${broken}`))).facts.where).toBe('line 7, offset 2');
    expect((await failure(() => read(good.replace('\n-----END', '*\n-----END')))).facts.where).toBe('line 4');
    expect((await failure(() => read(good.split('\n').slice(0, -2).join('\n')))).facts.where).toBe('line 1');
  });
});

test('DER is read strictly', () => {
  const refuse = (hex: string, work: (reader: DerReader) => unknown): void => expect(() => work(new DerReader(Buffer.from(hex, 'hex')))).toThrow(KeywrightError);
  refuse('30800000', (reader) => reader.enter('x')); // indefinite length
  refuse('308101', (reader) => reader.enter('x')); // long form for a short length
  refuse('3082000100', (reader) => reader.enter('x'));
  refuse('3085000000000100', (reader) => reader.enter('x'));
  refuse('3f1f0100', (reader) => reader.next('x')); // tag of several bytes
  refuse('0200', (reader) => reader.integer('x'));
  refuse('02020001', (reader) => reader.integer('x'));
  refuse('0202ff80', (reader) => reader.integer('x'));
  refuse('06028001', (reader) => reader.oid('x'));
  refuse('060181', (reader) => reader.oid('x'));
  refuse('0600', (reader) => reader.oid('x'));
  refuse('03020780', (reader) => reader.bits('x'));
  refuse('0300', (reader) => reader.bits('x'));
  expect(new DerReader(Buffer.from('0202ff7f', 'hex')).integer('x')).toBe(-129n);
  expect(new DerReader(derOid('2.16.840.1.101.3.4.3.17')).oid('x')).toBe('2.16.840.1.101.3.4.3.17');
  expect(buildPkcs8(parsePkcs8(pairOf('ec-p521').pkcs8))).toEqual(pairOf('ec-p521').pkcs8);
});

test('what opening a file may cost is a setting, which the refusal names', async () => {
  const file = await writeKey(materialOf('ed25519'), { format: 'pkcs8', encoding: 'pem', passphrase: SecretBytes.fromText(WORD) }); // 600,000 rounds
  try {
    limitsFrom(() => ({ ...DEFAULT_LIMITS, rounds: 599_999 }));
    const refusal = await failure(() => read(file, WORD));
    expect([refusal.code, refusal.message]).toEqual(['CAPABILITY_MISSING', expect.stringContaining('599999 is the most (setting formats.maxRounds)')]);
    limitsFrom(() => ({ ...DEFAULT_LIMITS, rounds: 600_000 }));
    expect((await read(file, WORD)).map(({ wasEncrypted }) => wasEncrypted)).toEqual([true]);
  } finally {
    limitsFrom(() => DEFAULT_LIMITS);
  }
});
