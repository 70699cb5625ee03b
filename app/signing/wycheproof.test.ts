import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { corpus } from '../../scripts/corpora.ts';
import { KEY_ALGORITHMS, KeywrightError, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName, signatureAlgorithmsOf } from '../contract/index.ts';
import { algorithmOfSpki, ecdsaP1363ToDer } from '../formats/index.ts';
import { verifySignature } from './verify.ts';


interface Group {
  readonly publicKeyDer: string | null;
  readonly sha?: string;
  readonly mgfSha?: string;
  readonly sLen?: number;
  readonly tests: readonly { readonly tcId: number; readonly comment: string; readonly msg: string; readonly sig: string; readonly ctx?: string; readonly flags: readonly string[]; readonly result: 'valid' | 'invalid' | 'acceptable' }[];
}

const folder = corpus('wycheproof');
/** Files whose signatures a key of ours can have made; the rest have SHA-3, truncated SHA-2, or PSS parameters in the key. */
const FILES = folder === undefined ? ['every file'] : readdirSync(join(folder, 'testvectors_v1'))
  .filter((name) => /^(?:ecdsa_(?!.*sha3).*|rsa_signature.*|rsa_pss_(?!.*params|misc).*|ed25519|ed448|mldsa_\d+_verify)_test\.json$/.test(name));

describe.skipIf(folder === undefined)('signatures of Wycheproof (skipped without the corpora)', () => {
  test.each(FILES)('%s: message and digest are judged alike, and as the vectors say', async (name) => {
    const { testGroups } = JSON.parse(readFileSync(join(folder as string, 'testvectors_v1', name), 'utf8')) as { testGroups: Group[] };
    const wrong: string[] = [];
    let judged = 0;
    for (const { publicKeyDer, sha, mgfSha, sLen, tests } of testGroups) {
      if (publicKeyDer === null || (mgfSha !== undefined && mgfSha !== sha)) continue; // no key, or MGF1 over another hash: no algorithm of ours
      const spki = Buffer.from(publicKeyDer, 'hex');
      const key = keyOf(spki);
      if (key === undefined) {
        if (tests.some(({ result }) => result === 'valid')) wrong.push('a key of valid signatures is refused');
        continue;
      }
      const hash = sha?.toLowerCase().replace('-', '');
      const algorithm = signatureAlgorithmsOf(key).find((one) => SIGNATURE_ALGORITHMS[one].hash === (hash ?? null) && (KEY_ALGORITHMS[key].family !== 'rsa' || (SIGNATURE_ALGORITHMS[one].family === 'rsa-pss') === (sLen !== undefined)));
      if (algorithm === undefined) continue;
      for (const vector of tests) {
        if ((vector.ctx ?? '') !== '' || vector.comment.startsWith('s_len changed')) continue; // contexts; PSS with another length of salt, which we accept
        judged++;
        const message = Buffer.from(vector.msg, 'hex');
        const signature = toDer(Buffer.from(vector.sig, 'hex'), name.includes('p1363') ? KEY_ALGORITHMS[key].bits : undefined);
        const verdicts = signature === undefined ? [false] : await Promise.all([{ message }, ...(hash === undefined ? [] : [{ digest: createHash(hash).update(message).digest() }])].map((content) => verifySignature(spki, algorithm as SignatureAlgorithmName, content, signature)));
        const expected = vector.result === 'acceptable' ? verdicts[0] : vector.result === 'valid';
        if (verdicts.some((verdict) => verdict !== expected)) wrong.push(`${vector.tcId} ${vector.result} ${vector.flags.join()}: ${verdicts.join()}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(judged > 0 || name.includes('mgf1sha1')).toBe(true);
  });
});

function keyOf(spki: Buffer): ReturnType<typeof algorithmOfSpki> | undefined {
  try {
    return algorithmOfSpki(spki);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}

function toDer(signature: Buffer, bits: number | undefined): Uint8Array | undefined {
  try {
    return bits === undefined ? signature : ecdsaP1363ToDer(signature, bits);
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}
