import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { revocationList, issue } from '../../app/certificates/testing/authority.ts';
import { mutantOf } from '../../app/certificates/testing/mutants.ts';
import { KeywrightError, SecretBytes } from '../../app/contract/index.ts';
import { readContents, writeKey } from '../../app/formats/index.ts';
import { materialOf, pairOf } from '../../app/formats/testing/keys.ts';
import { inspect } from '../../app/keychain/inspector/inspect.ts';
import { Tree } from '../../app/keychain/inspector/tree.ts';
import { sampleFor } from '../../app/signing/testing/samples.ts';
import { hasTitle, thingTitle } from '../ui/thing-title.ts';
import { faultPlace } from './fault-place.ts';
import { GERMAN, GERMAN_FACTS, GERMAN_REASONS, GERMAN_SENTENCES } from './german.ts';
import { makeText } from './text.tsx';

/** What `told.test.ts` finds in the sources, with what is filled in when a file is really read. */

const german = makeText('de', GERMAN, GERMAN_REASONS, GERMAN_SENTENCES, GERMAN_FACTS);
const { signal } = new AbortController();
/** Words of English alone. Of what stands in quotation marks, others are the authors. */
const ENGLISH = /\b(?:the|which|that|with|this|from|have|and|of|its|is|there|not|has|are|for|to|should)\b/;

const key = (format: 'ppk' | 'minisign' | 'age' | 'cose' | 'jwk' | 'openssh'): Promise<Uint8Array> => writeKey(materialOf(format === 'age' ? 'x25519' : 'ed25519'), { format, encoding: 'pem', label: 'ada' });
async function samples(): Promise<Uint8Array[]> {
  const ada = await issue('CN=Ada', { profile: 'root' });
  return [
    ada.certificate.der, (await revocationList(ada, [])).der, pairOf('rsa-2048').pkcs8, ...(await Promise.all((['ppk', 'minisign', 'age', 'cose', 'jwk', 'openssh'] as const).map(key))), await sampleFor('pdf', 'text'), await sampleFor('jar', 'text'),
    readFileSync(new URL('../../app/formats/testing/bouncy-castle/bks-2.bks', import.meta.url)),
    Buffer.from('age-encryption.org/v1\n-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\nEmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n--- Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0\n0123456789abcdef0123456789abcdef'),
  ];
}

/** Everything that the window would show of a file, in English and in German. */
async function saidOf(content: Uint8Array): Promise<(readonly [string, string | undefined])[]> {
  const tree = new Tree(() => []);
  const { detail } = await inspect(content, { tree, signal, passphrase: undefined });
  const said: (readonly [string, string | undefined])[] = [[detail, german.sentence(detail)]];
  for (const problem of tree.problems) {
    said.push([problem.detail, german.sentence(problem.detail)]);
    if (problem.where !== null && !problem.where.startsWith('/')) said.push([problem.where, faultPlace(problem.where, german)]);
  }
  for (const item of tree.items) {
    if (item.kind !== 'extension') said.push([item.detail, german.sentence(item.detail)]);
    if (hasTitle(item)) said.push([item.title, thingTitle(item, german)]);
    for (const finding of item.findings) said.push([finding.detail, german.sentence(finding.detail)], [finding.remedy, german.sentence(finding.remedy)]);
    for (const { name, value } of item.facts) said.push([name, german.fact.name(name)], [value, german.fact.value(name, value)]);
  }
  await readContents(content, { passphrase: async () => SecretBytes.fromText('ada'), signal }).catch((thrown: unknown) => {
    if (!(thrown instanceof KeywrightError)) throw thrown;
    const { detail: why, remedy } = thrown.facts;
    said.push([why, german.said(thrown.facts, 'detail')], ...(remedy === undefined ? [] : [[remedy, german.said(thrown.facts, 'remedy')] as const]));
  });
  return said;
}

test('all that is told of damaged files is told in German', async () => {
  let seed = 20_261_130;
  const chance = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
  const told = new Set<string>();
  const wrong = new Set<string>();
  for (const sample of await samples()) {
    for (let count = 0; count < 60; count++) {
      const damaged = mutantOf(sample, (below) => Math.floor(chance(2 ** 20) / 2 ** 20 * below));
      for (const [english, says] of await saidOf(count === 0 ? sample : damaged)) {
        told.add(english.replaceAll(/\d+/g, '7'));
        if (says === undefined || ENGLISH.test(says.replaceAll(/`[^`]*`|„[^“]*“/g, ''))) wrong.add(`${english} => ${says}`);
      }
    }
  }
  expect(told.size).toBeGreaterThan(150);
  expect([...wrong]).toEqual([]);
});
