import { lstatSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KeywrightError } from '../contract/index.ts';
import { CONFIG_KEY_NAMES, configFileOf, dataDirOf, defaultDataDir, environmentName, loadConfig } from './index.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-config-'));
  file = join(folder, 'config.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function thrownBy(work: () => unknown): KeywrightError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown;
  }
  throw new Error('nothing of ours was thrown');
}

describe('where a value comes from', () => {
  test('a flag wins over the environment, the environment over the file, the file over the default', () => {
    writeFileSync(file, '{"store.idleLockMinutes": 1, "trash.days": 1, "clipboard.clearAfterSeconds": 1}');
    const env = { KEYWRIGHT_STORE_IDLE_LOCK_MINUTES: '2', KEYWRIGHT_TRASH_DAYS: '2' };
    const config = loadConfig({ file, env, flags: { 'store.idleLockMinutes': '3' } });
    const told = Object.fromEntries(config.explain().map(({ key, value, origin, source }) => [key, [value, origin, source]]));
    expect(told['store.idleLockMinutes']).toEqual([3, 'flag', 'command line']);
    expect(told['trash.days']).toEqual([2, 'environment', 'KEYWRIGHT_TRASH_DAYS']);
    expect(told['clipboard.clearAfterSeconds']).toEqual([1, 'file', `${file}:1`]);
    expect(told['store.kind']).toEqual(['sqlite', 'default', null]);
  });

  test('every key has a summary, a valid default and a variable of its own', () => {
    const entries = loadConfig({ file }).explain();
    expect(entries.map(({ key }) => key)).toEqual(CONFIG_KEY_NAMES);
    expect(new Set(CONFIG_KEY_NAMES.map(environmentName)).size).toBe(CONFIG_KEY_NAMES.length);
    for (const { summary } of entries) expect(summary).not.toBe('');
  });

  test('an empty variable counts as none', () => {
    expect(loadConfig({ file, env: { KEYWRIGHT_TRASH_DAYS: '' } }).get('trash.days')).toBe(30);
  });

  test('a list of modules in the file becomes one text', () => {
    writeFileSync(file, '{"storage.modules": ["./a.ts", "./b.ts"]}');
    expect(loadConfig({ file }).get('storage.modules')).toBe('./a.ts,./b.ts');
  });

  test('the data folder follows the platform, the environment and the flag', () => {
    expect(defaultDataDir({ HOME: '/h' }, 'linux')).toBe('/h/.local/share/keywright');
    expect(defaultDataDir({ HOME: '/h', XDG_DATA_HOME: '/x' }, 'linux')).toBe('/x/keywright');
    expect(defaultDataDir({ HOME: '/h', XDG_DATA_HOME: 'relative' }, 'linux')).toBe('/h/.local/share/keywright');
    expect(defaultDataDir({ HOME: '/h' }, 'darwin')).toBe('/h/Library/Application Support/Keywright');
    expect(dataDirOf(undefined, { KEYWRIGHT_DATA_DIR: '/d', HOME: '/h' })).toBe('/d');
    expect(dataDirOf('/f', { KEYWRIGHT_DATA_DIR: '/d' })).toBe('/f');
    expect(configFileOf(undefined, '/d', {})).toEqual({ path: '/d/config.json', named: false });
    expect(configFileOf(undefined, '/d', { KEYWRIGHT_CONFIG: '/c' })).toEqual({ path: '/c', named: true });
  });
});

describe('what is wrong is told', () => {
  test('a mistyped key is an error that names the one that was meant', () => {
    writeFileSync(file, '{\n  "store.idleLockMinuets": 5\n}');
    const error = thrownBy(() => loadConfig({ file }));
    expect(error.code).toBe('INVALID_INPUT');
    expect(error.facts).toMatchObject({ where: `${file}:2`, remedy: 'Did you mean store.idleLockMinutes?' });
  });

  test.each([
    ['{"trash.days": 0}', /at least 1/],
    ['{"trash.days": 1.5}', /whole number/],
    ['{"window.theme": "pink"}', /must be one of system, light, dark, high-contrast/],
    ['{"trash.days": 5', /line 1: expected/],
    ['{"trash.days" 5}', /expected “:”/],
    ['{"trash.days": five}', /“five” is no value/],
    ['{"store": {"kind": "file"}}', /not nested/],
    ['[1]', /expected “\{”/],
    ['{} {}', /behind the last/],
  ])('%s is refused with its place', (text, detail) => {
    writeFileSync(file, text);
    expect(thrownBy(() => loadConfig({ file })).facts.detail).toMatch(detail);
  });

  test('a wrong variable is refused by its name', () => {
    expect(thrownBy(() => loadConfig({ file, env: { KEYWRIGHT_AUDIT_DURABILITY: 'loose' } })).facts.where).toBe('KEYWRIGHT_AUDIT_DURABILITY');
  });

  test('a named file must be there, the default one need not', () => {
    expect(loadConfig({ file }).get('trash.days')).toBe(30);
    expect(thrownBy(() => loadConfig({ file, named: true })).facts.detail).toContain('no configuration file');
  });

  test('leniently loaded, it runs on what is right and validate tells the rest', async () => {
    writeFileSync(file, '{"trash.days": "many", "store.idleLockMinutes": 7, "trahs.days": 1}');
    const config = loadConfig({ file, lenient: true });
    expect(config.get('store.idleLockMinutes')).toBe(7);
    expect(config.get('trash.days')).toBe(30);
    const { ok, problems } = await config.validate();
    expect(ok).toBe(false);
    expect(problems.map(({ suggestion }) => suggestion)).toEqual([null, 'trash.days']);
  });
});

describe('setting a value', () => {
  const COMMENTED = `// How I like it
{
  "trash.days": 5, // not long
  /* theme */ "window.theme": "dark"  // at night
}
`;

  test('changes that value and leaves everything else as it was', async () => {
    writeFileSync(file, COMMENTED);
    const entry = await loadConfig({ file }).set('trash.days', 9);
    expect(entry).toMatchObject({ value: 9, origin: 'file' });
    expect(readFileSync(file, 'utf8')).toBe(COMMENTED.replace('5,', '9,'));
  });

  test.each([COMMENTED, '{}', '{ }', '{"trash.days": 5}', '{"trash.days": 5,}', '{\n  "trash.days": 5, // why\n}\n', '', '{"trash.days": 5 /* , */}'])('adds a key to %j', async (text) => {
    if (text !== '') writeFileSync(file, text);
    await loadConfig({ file }).set('clipboard.clearAfterSeconds', 11);
    const now = readFileSync(file, 'utf8');
    const config = loadConfig({ file });
    expect(config.get('clipboard.clearAfterSeconds')).toBe(11);
    if (text.includes('trash')) expect(config.get('trash.days')).toBe(5);
    for (const comment of text.match(/\/\/[^\n]*|\/\*.*?\*\//g) ?? []) expect(now).toContain(comment);
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  test.skipIf(process.platform === 'win32')('a link to the file stays one', async () => {
    writeFileSync(`${file}.kept`, '{"trash.days": 5}');
    symlinkSync(`${file}.kept`, file);
    await loadConfig({ file }).set('trash.days', 9);
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(`${file}.kept`, 'utf8'))).toEqual({ 'trash.days': 9 });
  });

  test('many at once are all kept', async () => {
    const config = loadConfig({ file });
    await Promise.all(CONFIG_KEY_NAMES.map((key) => config.set(key, config.get(key))));
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')))).toHaveLength(CONFIG_KEY_NAMES.length);
  });

  test('a flag still wins, and the answer says so', async () => {
    const config = loadConfig({ file, flags: { 'trash.days': 3 } });
    expect(await config.set('trash.days', 9)).toMatchObject({ value: 3, origin: 'flag' });
    expect(loadConfig({ file }).get('trash.days')).toBe(9);
  });

  test('text from the command line becomes the number that it is', async () => {
    expect(await loadConfig({ file }).set('store.idleLockMinutes', '30')).toMatchObject({ value: 30 });
  });

  test('an unknown key, a wrong value and a broken file change nothing', async () => {
    writeFileSync(file, '{"trash.days": 5}');
    const config = loadConfig({ file });
    await expect(config.set('trash.dais', 9)).rejects.toMatchObject({ code: 'NOT_FOUND', facts: { remedy: 'Did you mean trash.days?' } });
    await expect(config.set('trash.days', -1)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    writeFileSync(file, '{"trash.days": 5');
    await expect(config.set('trash.days', 9)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    expect(readFileSync(file, 'utf8')).toBe('{"trash.days": 5');
  });
});
