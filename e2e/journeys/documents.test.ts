import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { buildPdf } from '../../app/signing/pdf/testing/documents.ts';
import { expect, test } from '../support/fixture.ts';
import { chooses, person } from '../support/person.ts';
import { text } from '../support/texts.ts';

test('a PDF is told by its content, signed twice to be seen, verified, and found out once it was changed', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  const picture = (name: string): Promise<Buffer> => page.screenshot({ path: `e2e/screenshots/${program.kind}-documents-${name}.png` });
  const choose = (path: string, button: 'files.choose' | 'files.chooseOne'): Promise<void> => program.choosing([path], () => page.getByRole('button', { name: text(button), exact: true }).first().click());
  const verdictOf = async (path: string): Promise<void> => {
    await choose(path, 'files.chooseOne');
    await page.getByRole('button', { name: text('files.verifyAction'), exact: true }).click();
  };
  await ada.createsAStore();
  await ada.makesAKey('Contracts');
  await ada.goesTo('certificates');
  await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: text('certificates.make.title') });
  await dialog.getByRole('radio', { name: text('certificates.way.self-signed') }).check({ force: true });
  await chooses(page, dialog.getByRole('combobox', { name: text('certificates.make.key') }), 'Contracts');
  await dialog.getByRole('button', { name: new RegExp(`${text('certificates.make.profile')}$`) }).click();
  await page.getByRole('option', { name: text('certificates.profile.email') }).click();
  await dialog.getByLabel(text('certificates.make.name'), { exact: true }).fill('Ada Example');
  await dialog.getByLabel(text('certificates.names'), { exact: true }).fill('ada@example.com');
  await dialog.getByRole('button', { name: text('certificates.wayAction.self-signed'), exact: true }).click();
  await expect(dialog).toBeHidden();

  // Its name says nothing.
  const contract = join(folder, 'contract');
  const signed = join(folder, 'signed.pdf');
  const both = join(folder, 'both.pdf');
  writeFileSync(contract, buildPdf());
  await ada.goesTo('files');
  await test.step('it is offered as PDF, with a reason, on the page', async () => {
    await choose(contract, 'files.choose');
    await expect(page.getByRole('button', { name: new RegExp(text('files.formatName.pdf').replaceAll(/[()]/g, '\\$&')) })).toBeVisible();
    await page.getByLabel(text('files.reason'), { exact: true }).fill('I agree');
    await page.getByRole('button', { name: new RegExp(`${text('files.seen')}$`) }).click();
    await page.getByRole('option', { name: text('files.seenName.bottom-left') }).click();
    await picture('sign');
    await program.saving(signed, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    expect(readFileSync(signed).subarray(0, readFileSync(contract).length).equals(readFileSync(contract))).toBe(true);
  });
  await test.step('signed again, both signatures hold', async () => {
    await choose(signed, 'files.choose');
    await program.saving(both, () => page.getByRole('button', { name: text('files.signAction', { n: 1 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 1 }), { exact: true })).toBeVisible();
    if (spawnSync('pdfsig', ['-v']).status !== null) expect(spawnSync('pdfsig', ['-nocert', both], { encoding: 'utf8' }).stdout.match(/Signature is Valid/g)).toHaveLength(2);
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await verdictOf(both);
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.coversVersion', { n: 2, of: 3 }), { exact: true })).toBeVisible();
    await expect(page.getByText(text('files.change.signature'), { exact: true })).toBeVisible();
    await picture('verdict');
    const found = await new AxeBuilder({ page }).exclude('[data-live-announcer]').setLegacyMode(true).analyze();
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join('; ')}`)).toEqual([]);
  });
  await test.step('changed, it is found out', async () => {
    const changed = join(folder, 'changed.pdf');
    writeFileSync(changed, Buffer.from(readFileSync(both).toString('latin1').replace('100 euros', '900 euros'), 'latin1'));
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await verdictOf(changed);
    await expect(page.getByText(text('files.notIntact'), { exact: true })).toBeVisible();
    await picture('changed');
  });
  await test.step('two files go into one container, and the verdict says what it signs', async () => {
    const papers = join(folder, 'papers.asice');
    const [first, second] = ['first.txt', 'second.txt'].map((name) => join(folder, name)) as [string, string];
    for (const path of [first, second]) writeFileSync(path, path);
    await page.getByRole('button', { name: text('files.clear'), exact: true }).click();
    await page.getByRole('radio', { name: text('files.mode.sign'), exact: true }).check({ force: true });
    await program.choosing([first, second], () => page.getByRole('button', { name: text('files.choose'), exact: true }).first().click());
    await page.getByRole('button', { name: new RegExp(`${text('files.format')}$`) }).click();
    await page.getByRole('option', { name: text('files.formatName.asic') }).click();
    await expect(page.getByRole('checkbox', { name: text('files.together') })).toBeChecked();
    await picture('container');
    await program.saving(papers, () => page.getByRole('button', { name: text('files.signAction', { n: 2 }), exact: true }).click());
    await expect(page.getByText(text('files.signedTitle', { n: 2 }), { exact: true })).toBeVisible();
    await page.getByRole('radio', { name: text('files.mode.verify'), exact: true }).check({ force: true });
    await verdictOf(papers);
    await expect(page.getByText(text('files.intact'), { exact: true })).toBeVisible();
    await expect(page.getByText('It signs all that the container holds: “first.txt”, “second.txt”.', { exact: true })).toBeVisible();
    await picture('container-verdict');
  });
});
