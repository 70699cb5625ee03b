import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rootSwitches } from '../../scripts/runtimes.ts';
import { electronMissing, environment } from '../support/electron.ts';
import { expect, test } from '../support/fixture.ts';
import { openssl } from '../support/openssl.ts';
import { packProgram, PACKED, startPacked } from '../support/packed.ts';
import { person } from '../support/person.ts';
import { seccompOf } from '../support/processes.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';

test.describe.configure({ mode: 'serial' });
test.beforeAll(() => {
  const missing = electronMissing();
  test.skip(missing !== undefined, missing ?? '');
  packProgram();
});

/** First run, a key, a signature that openssl verifies, lock and unlock. */
async function aDay(program: Program, folder: string): Promise<void> {
  const { page } = program;
  const ada = person(program);
  await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
  await ada.createsAStore();
  await ada.makesAKey('Release signing');
  const detail = ada.detail('Release signing');
  const pem = detail.locator(`pre[aria-label="${text('keys.publicKey')}"]`);
  await expect(pem).toContainText('BEGIN PUBLIC KEY');
  writeFileSync(join(folder, 'public.pem'), await pem.innerText());
  await detail.getByRole('button', { name: text('keys.useButton.sign'), exact: true }).click();
  const dialog = page.getByRole('dialog', { name: text('keys.use.title', { name: 'Release signing' }) });
  await dialog.getByLabel(text('keys.use.message'), { exact: true }).fill('All is well.');
  await dialog.getByRole('button', { name: text('keys.use.sign'), exact: true }).click();
  const signature = await dialog.getByRole('region', { name: text('keys.use.signature') }).locator('pre').innerText();
  writeFileSync(join(folder, 'signature'), Buffer.from(signature, 'base64url'));
  writeFileSync(join(folder, 'message'), 'All is well.');
  expect(openssl(['dgst', '-sha256', '-verify', join(folder, 'public.pem'), '-signature', join(folder, 'signature'), join(folder, 'message')])).toContain('Verified OK');
  await page.keyboard.press('Escape');
  await ada.locks();
  await ada.unlocks();
  await expect(page.getByRole('row', { name: /Release signing/ })).toBeVisible();
}

test('the packed program does a day’s work', async ({ folder }) => {
  const program = await startPacked(join(folder, 'data'));
  try {
    await aDay(program, folder);
  } finally {
    await program.close();
  }
});

test('it runs in Chromium’s sandbox for a user who is not root', async ({ folder }) => {
  test.skip(process.getuid?.() !== 0, 'the tests run as such a user already: the journey above was in the sandbox');
  const nobody = { uid: 65_534, gid: 65_534, home: mkdtempSync(join(tmpdir(), 'keywright-nobody-')) };
  chownSync(nobody.home, nobody.uid, nobody.gid);
  chmodSync(nobody.home, 0o700);
  const data = join(nobody.home, 'data');
  mkdirSync(data);
  chownSync(data, nobody.uid, nobody.gid);
  const program = await startPacked(data, nobody);
  try {
    const renderers = seccompOf(nobody.uid, '--type=renderer');
    expect(renderers.length).toBeGreaterThan(0);
    expect(renderers.every((mode) => mode === 2)).toBe(true);
    await aDay(program, folder);
  } finally {
    await program.close();
    rmSync(nobody.home, { recursive: true, force: true });
  }
});

test('it brings what smart-card readers need', () => {
  const resources = join(dirname(PACKED), 'resources');
  const { stdout, stderr } = spawnSync(join(resources, 'node', 'node'), ['-e', "import('pcsc-mini/build/addon.node.js').then(() => console.log('there'), ({ message }) => console.log(/libpcsclite/.test(message) ? 'there' : message))"], { cwd: join(resources, 'core'), encoding: 'utf8' });
  expect(stdout.trim(), stderr).toBe('there');
});

test('its fuses are blown: it runs no script as Node and opens no inspector', () => {
  const asNode = spawnSync(PACKED, [...rootSwitches(), '-e', 'console.log("ran as " + "node")'], { encoding: 'utf8', timeout: 5000, env: environment({ ELECTRON_RUN_AS_NODE: '1', DISPLAY: '' }) });
  expect(asNode.stdout).not.toContain('ran as node');
  const inspected = spawnSync(PACKED, [...rootSwitches(), '--inspect=0'], { encoding: 'utf8', timeout: 5000, env: environment({ DISPLAY: '', NODE_OPTIONS: '--inspect=0' }) });
  expect(inspected.stderr).not.toContain('Debugger listening');
});
