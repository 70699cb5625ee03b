import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type KeywrightError, SecretBytes } from '../contract/index.ts';
import { bksKind } from './bks.ts';
import { readContents, recognise } from './index.ts';

/** Written by Bouncy Castle itself: see testing/bouncy-castle/README.md. */
const sample = (name: string): Buffer => readFileSync(new URL(`testing/bouncy-castle/${name}`, import.meta.url));
const [STORE, OTHER] = ['Gänseblümchen 1', 'another 2'];
const COUNTING = Buffer.from(Array.from({ length: 32 }, (_, at) => at));

async function read(content: Uint8Array, answers: readonly string[] = [STORE], want: 'all' | 'certificates' = 'all') {
  const asked: (string | undefined)[] = [];
  const contents = await readContents(content, {
    signal: new AbortController().signal, want,
    passphrase: async (note) => SecretBytes.fromText(answers[asked.push(note) - 1] ?? answers.at(-1) ?? ''),
  });
  return { ...contents, asked };
}
const failure = (content: Uint8Array, answers?: readonly string[]): Promise<KeywrightError> => read(content, answers).then(() => { throw new Error('it was read'); }, (thrown: KeywrightError) => thrown);

describe('key stores of Bouncy Castle', () => {
  it.each(['bks-1.bks', 'bks-2.bks', 'uber.ubr'])('%s: keys with passphrases of their own, secret keys and certificates are read', async (name) => {
    // The order is that of a hash table; each key is tried with what was given before.
    const { keys, certificates, notes, asked } = await read(sample(name), [STORE, OTHER]);
    expect(Object.fromEntries(keys.map(({ label, material, format }) => [label, [material.algorithm, format]]))).toEqual({ server: ['ec-p256', 'bks'], signer: ['ed25519', 'bks'], aes: ['aes-256', 'bks'], mac: ['hmac-sha256', 'bks'] });
    for (const key of keys.filter(({ label }) => label === 'aes' || label === 'mac')) expect(Buffer.from(key.material.secret.reveal())).toEqual(COUNTING);
    expect(certificates.map(({ label }) => label).sort()).toEqual(['root', 'server', 'signer', undefined]);
    expect(notes).toEqual([]);
    expect(asked).toEqual([expect.stringMatching(/^the (BKS|UBER) file$/), 'the key signer']);
    for (const { material } of keys) material.secret.wipe();
  });

  it.each(['bks-2.bks', 'uber.ubr'])('%s: a key whose passphrase is not given is passed over, and said', async (name) => {
    const { keys, notes } = await read(sample(name));
    expect(keys.map(({ label }) => label).sort()).toEqual(['aes', 'mac', 'server']);
    expect(notes).toEqual([expect.stringContaining('“signer”')]);
  });

  it('certificates of BKS need no passphrase', async () => {
    const { certificates, asked } = await read(sample('bks-2.bks'), [], 'certificates');
    expect([certificates.length, asked.length]).toEqual([4, 0]);
  });

  it.each(['bks-1.bks', 'bks-2.bks', 'uber.ubr'])('%s: a wrong passphrase is said as that', async (name) => {
    expect((await failure(sample(name), ['wrong', 'wrong'])).code).toBe('PIN_INCORRECT');
  });

  it('a change is noticed by the MAC', async () => {
    const changed = sample('bks-2.bks');
    const at = changed.indexOf('server');
    changed.write('stolen', at);
    expect((await failure(changed)).code).toBe('PIN_INCORRECT');
  });

  it('they are told by content, damaged ones too', async () => {
    expect(['bks-1.bks', 'bks-2.bks', 'uber.ubr', 'bcfks.bcfks'].map((name) => [bksKind(sample(name)), recognise(sample(name)).what])).toEqual([['BKS', 'bks'], ['BKS', 'bks'], ['UBER', 'bks'], [undefined, 'bcfks']]);
    const cut = await failure(sample('bks-2.bks').subarray(0, 900));
    expect([cut.code, cut.facts.where]).toEqual(['INVALID_INPUT', expect.stringMatching(/^offset \d+$/)]);
    const greedy = sample('uber.ubr');
    greedy.writeUInt32BE(0x7fffffff, 28);
    expect((await failure(greedy)).code).toBe('CAPABILITY_MISSING');
    expect((await failure(sample('bcfks.bcfks'))).message).toContain('BCFKS');
  });
});
