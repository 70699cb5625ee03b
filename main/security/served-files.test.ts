import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fileOf, pageUrl } from './served-files.ts';

const FOLDER = '/srv/renderer';

test('each surface gets its own page, and the scripts and styles that they share', () => {
  expect(fileOf(pageUrl('window'), 'window', FOLDER)).toBe(join(FOLDER, 'index.html'));
  expect(fileOf('keywright://window/', 'window', FOLDER)).toBe(join(FOLDER, 'index.html'));
  expect(fileOf(pageUrl('prompt'), 'prompt', FOLDER)).toBe(join(FOLDER, 'prompt.html'));
  expect(fileOf('keywright://prompt/assets/prompt-1a2b.js', 'prompt', FOLDER)).toBe(join(FOLDER, 'assets/prompt-1a2b.js'));
});

test('neither surface can load the other’s page or speak in its name', () => {
  expect(fileOf('keywright://window/prompt.html', 'window', FOLDER)).toBeUndefined();
  expect(fileOf('keywright://prompt/index.html', 'prompt', FOLDER)).toBeUndefined();
  expect(fileOf(pageUrl('prompt'), 'window', FOLDER)).toBeUndefined();
});

test.each([
  'keywright://window/../../etc/passwd.json',
  'keywright://window/%2e%2e/%2e%2e/package.json',
  'keywright://window/assets/..%2f..%2f..%2fpackage.json',
  'keywright://window/..%5c..%5cpackage.json',
  'keywright://window/%00index.html',
  'keywright://window/%zz.js',
  'keywright://window/.built-core',
  'keywright://elsewhere/index.html',
  'https://window/index.html',
  'file:///srv/renderer/index.html',
  'no address',
])('nothing outside of the folder is served: %s', (url) => {
  const file = fileOf(url, 'window', FOLDER);
  expect(file === undefined || file.startsWith(`${FOLDER}/`)).toBe(true);
});
