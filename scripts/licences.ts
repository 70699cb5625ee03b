import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { FREE } from './import-rules.ts';
import { ROOT } from './paths.ts';

/** A package that goes out with the program, whole or in part. */
interface Shipped {
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as its `package.json` says. */
  readonly licence: string;
  /** Text of its licence and its notices; where it brings none, whose it is. */
  readonly texts: readonly string[];
}

/**
 * Licences under which a package may go out with a program under Apache-2.0. The LGPL's library is no part of ours: it stays a
 * module of its own that anybody can replace (see `bundles.ts`).
 */
export const COMPATIBLE: ReadonlySet<string> = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', '(BSD-3-Clause OR GPL-2.0)', 'Apache-2.0', 'BlueOak-1.0.0', 'Unlicense', '(MIT OR CC0-1.0)']);
export const REPLACEABLE: ReadonlySet<string> = new Set(['openpgp']);

/** What is there at run time by itself, with licences of its own. */
const BROUGHT_ALONG = new Set(['electron']);
const IMPORT = /(?:\bfrom|\bimport\(|^@?import)\s*['"]((?:@[\w.-]+\/)?[a-z][\w.-]*)[^'"]*['"]/gm;

interface Manifest { name: string; version: string; license?: string; author?: string | { name?: string }; homepage?: string; dependencies?: Record<string, string> }

const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** @returns the folder of a package as it is found from another's, or undefined where it is not installed. */
function folderOf(name: string, from: string): string | undefined {
  return createRequire(join(from, 'package.json')).resolve.paths(name)?.map((place) => join(place, name)).find((folder) => existsSync(join(folder, 'package.json')));
}

/** @returns the packages that what goes out imports, by name. */
function imported(): Set<string> {
  const sources = globSync('{app,main,preload,renderer}/**/*.{ts,tsx,css}', { cwd: ROOT }).filter((path) => !new RegExp(FREE).test(path.split(sep).join('/')) && !path.endsWith('.d.ts'));
  const names = sources.flatMap((path) => [...readFileSync(join(ROOT, path), 'utf8').matchAll(IMPORT)].map(([, name]) => name ?? ''));
  return new Set(names.filter((name) => !BROUGHT_ALONG.has(name)));
}

/** @returns every package that goes out with the program: what our sources import, the addons, Node, and what those need in turn. */
export function shippedPackages(): Shipped[] {
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;
  const folders = new Set([...imported(), ...Object.keys(dependencies), ...Object.keys(optionalDependencies)].flatMap((name) => folderOf(name, ROOT) ?? []));
  // A set that grows while it is walked is walked to its end.
  for (const folder of folders) for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) folders.add(folderOf(name, folder) ?? folder);
  const packages = new Map([...folders].map(shippedFrom).map((one) => [`${one.name} ${one.version}`, one]));
  return [...packages.values()].sort((one, other) => one.name.localeCompare(other.name, 'en') || one.version.localeCompare(other.version, 'en'));
}

function shippedFrom(folder: string): Shipped {
  const { name, version, license = 'unknown', author, homepage } = manifestOf(folder);
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
  const by = typeof author === 'string' ? author : author?.name;
  // Few bring no text: then who made it, or where it comes from, is all that there is to be kept.
  return { name, version, licence: license, texts: texts.length > 0 ? texts : [by === undefined ? homepage ?? name : `Copyright © ${by}`] };
}

/** @returns what the packed program says of the packages in it. */
export function thirdPartyText(packages: readonly Shipped[]): string {
  const intro = [
    'Keywright is under the Apache License 2.0 (LICENSE.keywright.txt). It contains or brings along the packages below, each under its own licence.',
    `Under the GNU Lesser General Public License and used as they are: ${[...REPLACEABLE].join(', ')}. They lie beside the program, in core/node_modules, and can be replaced there by another version.`,
    'Electron and Chromium: LICENSE.electron.txt and LICENSES.chromium.html.',
  ].join('\n');
  return [intro, ...packages.map(({ name, version, licence, texts }) => [`${'='.repeat(80)}\n${name} ${version}\n${licence}\n${'='.repeat(80)}`, ...texts].join('\n\n'))].join('\n\n\n') + '\n';
}
