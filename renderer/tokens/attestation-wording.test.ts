import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { GERMAN } from '../i18n/german.ts';
import { makeText } from '../i18n/text.tsx';
import { attestedIn } from './attestation-wording.ts';

const german = makeText('de', GERMAN);
const source = (path: string): string => readFileSync(fileURLToPath(new URL(`../../app/backends/${path}`, import.meta.url)), 'utf8');

test('what an attestation says, and why it does not hold, is said in German', () => {
  const texts = [source('yubikey/attestation.ts').split('export function judge')[1] ?? '', source('smartcardhsm/chain.ts')];
  const whole = texts.flatMap((text) => [...text.matchAll(/'([A-Z][^'\n]+\.)'|`([A-Z](?:\$\{[^`{}]*\}|[^`$\n])+\.)`/g)].map(([, plain, template]) => plain ?? template?.replaceAll(/\$\{[^}]*\}/g, 'X7') ?? ''));
  const composed = [
    'The key was made in a YubiKey with firmware 5.7.1 and has never left it.', 'The key was made in a YubiKey and has never left it.', 'Made in this SmartCard-HSM, serial XTHSM100001.',
    'Device certificate XTHSM10000100001, issued by XTDICA00001, valid from 2024-01-01 to 2044-01-01.', 'Device certificate XTHSM10000100001, issued by XTDICA00001.',
    'Its issuer was certified by XTSRCA00001.', 'Its issuer was certified by DESRCACC100001, the root of CardContact.',
  ];
  expect(whole.length).toBeGreaterThan(25);
  expect([...whole, ...composed].filter((sentence) => !attestedIn(sentence, german).known)).toEqual([]);
  expect(attestedIn('Something new.', german)).toEqual({ text: 'Something new.', known: false });
});
