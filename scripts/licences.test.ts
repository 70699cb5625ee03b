import { expect, test } from 'vitest';
import { CORE, settingsOf } from './bundles.ts';
import { COMPATIBLE, REPLACEABLE, shippedPackages, thirdPartyText } from './licences.ts';

const packages = shippedPackages();

test('what goes out with the program may do so, and under the LGPL as a module of its own alone', () => {
  const external = settingsOf(CORE, {}).build?.rolldownOptions?.external as (string | RegExp)[];
  const stays = (name: string) => external.some((one) => one instanceof RegExp && one.test(name));
  expect(packages.length).toBeGreaterThan(20);
  expect(packages.filter(({ name, licence }) => !COMPATIBLE.has(licence) && !(REPLACEABLE.has(name) && licence.startsWith('LGPL-') && stays(name)))).toEqual([]);
});

test('the window’s packages, the core’s and Node’s own are among them, and what only builds or tests is not', () => {
  const names = packages.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['react', 'react-aria', 'zod', 'fastify', 'openpgp', 'tailwindcss']));
  expect(names.filter((name) => /^(vite|vitest|typescript|electron.*|playwright.*|pkijs)$/.test(name))).toEqual([]);
});

test('each is named in the text that goes along, with the text of its licence', () => {
  const text = thirdPartyText(packages);
  for (const { name, version, texts } of packages) for (const part of [`${name} ${version}\n`, ...texts]) expect(text).toContain(part);
  expect(packages.filter(({ texts }) => texts.length === 0).map(({ name }) => name)).toEqual([]);
  expect(text).toContain('GNU LESSER GENERAL PUBLIC LICENSE');
});
