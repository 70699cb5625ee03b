import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance } from '../../../certificates/testing/random-pki.ts';
import type { KeyAlgorithmName } from '../../../contract/index.ts';
import { PASSPHRASE } from '../../../encryption/testing/parties.ts';
import { pairOf } from '../../../formats/testing/keys.ts';
import { Agents, bytesOf, type Case, dump, isWrongAnswer, judgeEach, MUTANTS, type Outcome, type Tables } from './family.ts';
import { spoiled } from './spoil.ts';

/** The harness of encrypted families: each file is opened over REST by keys that the store holds. What is given out must be what was encrypted, or be told as not authenticated. */

export const PLAIN = Buffer.from('The Magic Words are Squeamish Ossifrage\n'.repeat(3400));

/** Runs a family. @param keys which the store holds. */
export function judgeEncrypted(family: string, { valid, tampered }: Tables, keys: readonly KeyAlgorithmName[], der?: true): void {
  const agents = new Agents();
  beforeAll(() => agents.open(async ({ call }) => {
    for (const key of keys) await call('keys.import', { content: Buffer.from(pairOf(key).privateKey.export({ type: 'pkcs8', format: 'pem' })).toString('base64url'), label: `A key of ${key}` });
  }));
  const lines = new Map<string, string>();
  afterAll(async () => {
    dump(family, 'valid', valid, lines);
    dump(family, 'tampered', tampered, lines);
    await agents.close();
  });

  async function open({ file }: Pick<Case, 'file'>): Promise<Outcome & { readonly isOther: boolean }> {
    const upload = await agents.upload(file, 'file.bin');
    const { status, text, json } = await agents.post('/v1/files/decrypt', { files: [{ upload }], out: { inline: true } }, { 'Keywright-Prompt-Answers': Buffer.from(JSON.stringify({ 'recipient-passphrase': PASSPHRASE })).toString('base64url') });
    const [opened] = json.files ?? [];
    const isOther = opened !== undefined && !Buffer.from(opened.content ?? '', 'base64url').equals(PLAIN);
    const line = opened === undefined ? `${json.code}: ${json.detail}` : `opened: by ${opened.openedBy}${opened.authenticated === false ? ', not authenticated' : ''}${isOther ? ', to something else' : ''}`;
    return { status, code: json.code, text, json, line, isOther: isOther && opened.authenticated !== false };
  }

  describe(`${family}: its files`, () => {
    judgeEach({ valid, tampered }, open, lines);

    test('mutants by chance give out nothing else than what was encrypted', async () => {
      const random = chance(20_267);
      const faults: string[] = [];
      for (let round = 0; round < MUTANTS / 2; round += 1) {
        const one = valid[random(valid.length)]!;
        const mutant = spoiled(bytesOf(one.file), random, der === true && random(2) === 0);
        const outcome = await open({ file: mutant });
        if (isWrongAnswer(outcome) || outcome.isOther) faults.push(`${round} ${one.name}: ${outcome.status} ${outcome.line.slice(0, 300)}`);
      }
      expect(faults).toEqual([]);
    }, 1_800_000);
  });
}
