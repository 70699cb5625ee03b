import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { buildPdf } from '../../app/signing/pdf/testing/documents.ts';
import { picturesOf } from '../support/axe.ts';
import { collected, draggedIn } from '../support/drop.ts';
import type { startElectron } from '../support/electron.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import type { Program } from '../support/program.ts';
import { text } from '../support/texts.ts';

const NAMES = ['one.txt', 'two.txt', 'three.txt'] as const;

test('a folder is dropped, signed, and verified by its manifest; a report is kept, and what was signed is opened', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const press = (name: string, values?: Record<string, string | number>): Promise<void> => page.getByRole('button', { name: text(name, values), exact: true }).first().click();
  const mode = (name: 'sign' | 'verify'): Promise<void> => page.getByRole('radio', { name: text(`files.mode.${name}`), exact: true }).check({ force: true });
  const choose = (paths: readonly string[]): Promise<void> => program.choosing(paths, () => press('files.choose'));
  const [batch, manifest] = [join(folder, 'batch'), join(folder, 'batch', 'manifest.json')];
  const paths = NAMES.map((name) => join(batch, name));
  mkdirSync(batch);
  for (const path of paths) writeFileSync(path, path);
  const inBrowser = program.kind === 'browser';
  await ada.createsAStore();
  await ada.makesAKey('Release');
  await ada.goesTo('files');

  await test.step('a folder that is dropped is taken with all that is in it, and signed with a list of it', async () => {
    await draggedIn(page, [batch], text('files.drop.sign', { n: 1 }));
    if (!inBrowser) {
      await expect(page.getByRole('listitem').filter({ hasText: 'batch' })).toContainText(text('files.folder'));
      await page.getByRole('checkbox', { name: text('files.listed') }).check({ force: true });
      await looks(program, 'sign');
      await program.saving(manifest, () => press('files.signAction', { n: 0 }));
      await expect(page.getByText(text('files.listedIn', { path: manifest }), { exact: true })).toBeVisible();
    } else {
      for (const name of NAMES) await expect(page.getByRole('listitem').filter({ hasText: name })).toBeVisible();
      const all = collected(program, paths);
      await press('files.signAction', { n: 3 });
      await all();
      // A browser has no folder to write a list to: the command line writes the like.
      writeFileSync(manifest, JSON.stringify({ operation: 'files.sign', files: paths.map((path) => ({ name: path, bytes: readFileSync(path).length, written: { path: `${path}.sig` }, sha256: createHash('sha256').update(readFileSync(`${path}.sig`)).digest('hex') })) }));
      await choose([manifest]);
      await program.saving(`${manifest}.sig`, () => press('files.signAction', { n: 1 }));
    }
    await expect(page.getByText(text('files.signedTitle', { n: inBrowser ? 1 : 3 }), { exact: true })).toBeVisible();
  });

  const byManifest = async (): Promise<void> => {
    const clear = page.getByRole('button', { name: text('files.clear'), exact: true });
    if (await clear.isVisible()) await clear.click({ timeout: 5000 }).catch(() => undefined);
    await expect(clear).toBeHidden(); // what is below moves up: a press begun before would end beside the button
    await choose(inBrowser ? [manifest, `${manifest}.sig`, ...paths, ...paths.map((path) => `${path}.sig`)] : [manifest]);
    await expect(page.getByRole('checkbox', { name: text('files.byManifest', { name: 'manifest.json' }) })).toBeChecked();
    await press('files.verifyActionManifest');
  };
  const own = page.getByRole('region', { name: text('files.theManifest'), exact: true });
  await test.step('by the manifest all of it is verified: the manifest itself, and each file', async () => {
    await mode('verify');
    await byManifest();
    await expect(own.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.verifiedTitle', { valid: 3, rest: 0, unsigned: 0 }), { exact: true })).toBeVisible();
    await looks(program, 'manifest');
    const report = join(folder, 'report.txt');
    await program.saving(report, async () => {
      await press('files.saveReport');
      await page.getByRole('menuitem', { name: text('files.reportText') }).click();
    });
    expect(readFileSync(report, 'utf8').split('\n').filter((line) => line.startsWith(text('files.kind.valid')))).toHaveLength(4);
  });

  await test.step('what is missing, changed, or not in the manifest as it was signed is told', async () => {
    writeFileSync(paths[1] as string, 'changed');
    rmSync(paths[2] as string);
    if (inBrowser) paths.pop();
    await byManifest();
    await expect(own.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.verifiedTitle', { valid: 1, rest: 2, unsigned: 0 }), { exact: true })).toBeVisible();
    await looks(program, 'manifest-broken');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('one.txt', 'two.txt'));
    await byManifest();
    await expect(own.getByText(text('files.notIntact'), { exact: true })).toBeVisible();
  });

  await test.step('another JSON file is verified as any file is, once that is said', async () => {
    const other = join(folder, 'manifest.json');
    writeFileSync(other, '{"name":"of a web page"}');
    await press('files.clear');
    await choose([other]);
    await press('files.verifyActionManifest');
    await expect(page.getByText(/no manifest of signed files/)).toBeVisible();
    await page.getByRole('checkbox', { name: text('files.byManifest', { name: 'manifest.json' }) }).uncheck({ force: true });
    await press('files.verifyAction');
    await expect(page.getByText(text('files.unsigned'), { exact: true })).toBeVisible();
  });

  await test.step('a document that was signed is opened by its program', async () => {
    if (program.kind === 'browser') return;
    const { app } = program as Awaited<ReturnType<typeof startElectron>>;
    const done = await app.evaluateHandle(({ shell }) => {
      const paths: string[] = [];
      shell.openPath = async (path) => { paths.push(`opened ${path}`); return ''; };
      return paths;
    });
    await ada.certifiesAKey();
    await ada.goesTo('files');
    const signed = join(folder, 'contract.signed.pdf');
    writeFileSync(join(folder, 'contract.pdf'), buildPdf());
    await draggedIn(page, [join(folder, 'contract.pdf')], text('files.drop.sign', { n: 1 }));
    await program.saving(signed, () => press('files.signAction', { n: 1 }));
    await page.getByRole('button', { name: text('files.open'), exact: true }).click();
    await expect.poll(() => done.jsonValue()).toEqual([`opened ${signed}`]);
    if (spawnSync('pdfsig', ['-v']).status !== null) expect(spawnSync('pdfsig', ['-nocert', signed], { encoding: 'utf8' }).stdout).toContain('Signature is Valid');
  });
});

/** Pictures in both sizes, light and dark; and whether it can be read. */
async function looks(program: Program, name: string): Promise<void> {
  const { page } = program;
  await picturesOf(program, page, `batch-${name}`);
  const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
}
