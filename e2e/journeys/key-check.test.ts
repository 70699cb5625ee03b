import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { picturesOf } from '../support/axe.ts';
import { expect, test } from '../support/fixture.ts';
import { person } from '../support/person.ts';
import { text } from '../support/texts.ts';

test('all keys are checked together, a finding is mended where it is told, and then there is none', async ({ program, folder }) => {
  const { page } = program;
  const ada = person(program);
  await ada.createsAStore();
  const dialog = page.getByRole('dialog', { name: text('keys.check.title') });
  const check = page.getByRole('button', { name: text('keys.check.open'), exact: true });

  await test.step('an empty store has nothing weak in it', async () => {
    await check.click();
    await expect(dialog.getByText(text('keys.check.none'))).toBeVisible();
    await expect(dialog.getByText(/CVE-2008-0166/)).toBeVisible();
    await picturesOf(program, page, 'key-check-none');
    await dialog.getByRole('button', { name: text('common.close'), exact: true }).last().click();
  });

  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 });
  const file = join(folder, 'weak.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  for (const name of ['Router', 'Router again']) {
    await page.getByRole('button', { name: text('keys.import.open'), exact: true }).click();
    const importing = page.getByRole('dialog', { name: text('keys.import.title') });
    await program.choosing([file], () => importing.getByRole('button', { name: text('keys.import.choose'), exact: true }).click());
    await importing.getByLabel(text('keys.name'), { exact: true }).fill(name);
    await importing.getByRole('button', { name: text('keys.import.action'), exact: true }).click();
    await expect(ada.detail(name)).toBeVisible();
  }

  await test.step('a copy goes to the trash from the finding, and the next check has one finding less', async () => {
    await check.click();
    await expect(dialog.getByText(text('keys.check.found', { n: 3, shown: '3' }))).toBeVisible();
    await picturesOf(program, page, 'key-check-found');
    const about = new RegExp(text('mending.do.trash', { about: '' }).trim().split(' ')[0]!);
    await dialog.getByRole('button', { name: about }).first().click();
    await page.getByRole('alertdialog').or(page.getByRole('dialog')).last().getByRole('button', { name: text('mending.confirm.trash'), exact: true }).click();
    await expect(dialog.getByText(text('keys.check.changed'))).toBeVisible();
    await dialog.getByRole('button', { name: text('keys.check.again'), exact: true }).click();
    await expect(dialog.getByText(text('keys.check.found', { n: 1, shown: '1' }))).toBeVisible();
  });

  await test.step('a finding leads to what it is about', async () => {
    await dialog.getByRole('button', { name: new RegExp(text('keys.check.about.key', { name: 'Router' }).slice(0, 11)) }).first().click();
    await expect(dialog).toBeHidden();
  });
});
