import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Locator } from '@playwright/test';
import { freePort } from '../devices/tools.ts';
import { isAccessible, pictureOf } from '../support/axe.ts';
import { openssl } from '../support/openssl.ts';
import { chooses, person } from '../support/person.ts';
import { chooseSecret, typeSecret } from '../support/prompts.ts';
import { expect, test } from '../support/smartcardhsm.ts';
import { text } from '../support/texts.ts';

const EXPORT_PASSPHRASE = 'paper boats on a lake 31';
const [PIN, SO_PIN] = ['648219', '3537363231383830'];
const [ROOT, CA, SERVER, REQUESTED] = ['Example root', 'Example CA 1', 'localhost', 'api.example.org'];

const judge = (command: string, ...args: string[]): { status: number | null; said: string } => {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  return { status, said: stdout + stderr };
};

test('an authority whose keys stay in a SmartCard-HSM: root, sub-CA, a server that curl trusts, until it is revoked', async ({ program, hsm, folder }) => {
  test.setTimeout(300_000);
  const missing = ['openssl', 'curl'].find((tool) => judge(tool, '--version').status === null);
  test.skip(missing !== undefined, `no ${missing}`);
  const { card, plugIn } = hsm({ serial: 'XTHSM100003', setUp: { pin: PIN, officerPin: SO_PIN } }, 0);
  await plugIn();
  const { page } = program;
  const ada = person(program);
  const path = (name: string): string => join(folder, name);
  const shot = (name: string): Promise<void> => pictureOf(program, page, `authority-${name}`);
  /** Of the browser alone: the desktop's window keeps its size. */
  const small = async (name: string): Promise<void> => {
    if (program.kind !== 'browser') return;
    await page.setViewportSize({ width: 800, height: 600 });
    await page.screenshot({ path: `e2e/screenshots/browser-authority-${name}-800.png` });
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  /** A list goes when its field is scrolled away, comes with the focus that brings the field back, and Esc closes it alone. */
  const isListKeptToItsField = async (): Promise<void> => {
    if (program.kind !== 'browser') return;
    await page.setViewportSize({ width: 800, height: 600 });
    const [field, list] = [makeDialog.getByRole('combobox', { name: text('certificates.make.key') }), page.getByRole('listbox')];
    await field.click();
    await expect(list).toBeVisible();
    await field.evaluate((element) => { element.closest('.overflow-y-auto')!.scrollTop = 2000; });
    await expect(list).toBeHidden();
    await makeDialog.getByLabel(text('certificates.make.name'), { exact: true }).focus();
    await field.focus();
    await expect(list).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(list).toBeHidden();
    await expect(makeDialog).toBeVisible();
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  const detail = (name: string): Locator => page.getByRole('region', { name: text('certificates.detail'), exact: true }).filter({ has: page.getByRole('heading', { name, exact: true }) });
  const makeDialog = page.getByRole('dialog', { name: text('certificates.make.title') });
  const make = async (way: 'self-signed' | 'issue', { key, profile, name, fill }: { key: string; profile: string; name: string; fill?: () => Promise<void> }): Promise<void> => {
    await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
    // By its words, as a person does: who forces the hidden radio also presses what is not there yet.
    await makeDialog.getByRole('radiogroup').getByText(text(`certificates.way.${way}`), { exact: true }).click();
    await chooses(page, makeDialog.getByRole('combobox', { name: text('certificates.make.key') }), key);
    await profiled(profile);
    await makeDialog.getByLabel(text('certificates.make.name'), { exact: true }).fill(name);
    await fill?.();
  };
  const profiled = async (profile: string): Promise<void> => {
    await makeDialog.getByRole('button', { name: new RegExp(`${text('certificates.make.profile')}$`) }).click();
    await page.getByRole('option', { name: text(`certificates.profile.${profile}`) }).click();
  };
  const issuedBy = (name: string): Promise<void> => chooses(page, makeDialog.getByRole('combobox', { name: text('certificates.make.issuer') }), name);
  const press = async (way: string, shown: string): Promise<void> => {
    await makeDialog.getByRole('button', { name: text(`certificates.wayAction.${way}`), exact: true }).click();
    await expect(makeDialog).toBeHidden();
    await expect(detail(shown)).toBeVisible();
  };
  const saveAs = async (name: string, format: 'pem' | 'pkcs12', file: string, after?: () => Promise<void>): Promise<void> => {
    await detail(name).getByRole('button', { name: text('certificates.export.open'), exact: true }).click();
    const dialog = page.getByRole('dialog', { name: text('certificates.export.title', { name }) });
    await dialog.getByRole('radio', { name: text(`certificates.format.${format}`) }).check({ force: true });
    await shot(`export-${format}`);
    await program.saving(path(file), async () => {
      await dialog.getByRole('button', { name: text('certificates.export.action'), exact: true }).click();
      await after?.();
    });
    await expect(dialog).toBeHidden();
    await expect.poll(() => existsSync(path(file))).toBe(true);
  };
  const opens = async (name: string): Promise<void> => {
    await page.getByRole('row', { name: new RegExp(`^${name.replaceAll('.', '\\.')}`) }).click();
    await expect(detail(name)).toBeVisible();
  };

  await test.step('two keys are made in the token', async () => {
    await ada.createsAStore();
    for (const [index, label] of ['Root key', 'CA key'].entries()) {
      await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
      const dialog = page.getByRole('dialog', { name: text('keys.new.title') });
      await dialog.getByRole('button', { name: new RegExp(`${text('keys.place')}$`) }).click();
      await page.getByRole('option', { name: new RegExp(card.serial) }).click();
      await dialog.getByLabel(text('keys.name'), { exact: true }).fill(label);
      await dialog.getByRole('button', { name: text('keys.new.action'), exact: true }).click();
      if (index === 0) await typeSecret(program, text('ask.token.generate', { name: label }), 'pin', PIN);
      await expect(dialog).toBeHidden();
    }
    await page.getByRole('button', { name: text('keys.new.open'), exact: true }).first().click();
    const dialog = page.getByRole('dialog', { name: text('keys.new.title') });
    await dialog.getByRole('button', { name: new RegExp(`${text('keys.place')}$`) }).click();
    await page.getByRole('option', { name: text('keys.thisComputer') }).click();
    await page.keyboard.press('Escape');
    await ada.makesAKey('Web key');
    await ada.goesTo('certificates');
  });

  await test.step('the root signs itself', async () => {
    await make('self-signed', { key: 'Root key', profile: 'root', name: ROOT });
    await shot('make-root');
    await small('make-root');
    await isListKeptToItsField();
    await isAccessible(page, 'new certificate', ['light']);
    await press('self-signed', ROOT);
    await shot('root');
  });

  await test.step('it issues a sub-CA below which there is none', async () => {
    const field = (name: string): Locator => makeDialog.getByLabel(text(`certificates.make.${name}`), { exact: true });
    await make('issue', { key: 'CA key', profile: 'sub-ca', name: CA, fill: async () => {
      await issuedBy(ROOT);
      await field('pathLength').fill('0');
      await field('permitted').fill('localhost\nexample.org\n127.0.0.0/8');
      await field('forbidden').fill('bank.example.org');
    } });
    await expect(makeDialog).toContainText(text('certificates.make.resultPath', { n: 0 }));
    await expect(makeDialog).toContainText(text('certificates.make.resultForbidden', { names: 'dns:bank.example.org' }));
    await shot('make-sub-ca');
    await press('issue', CA);
  });

  await test.step('the sub-CA issues for a server whose key is in the store', async () => {
    await make('issue', { key: 'Web key', profile: 'tls-server', name: SERVER, fill: async () => makeDialog.getByLabel(text('certificates.names'), { exact: true }).fill('localhost\n127.0.0.1') });
    await issuedBy(CA);
    await shot('make-server');
    await makeDialog.getByRole('button', { name: text('certificates.wayAction.issue'), exact: true }).click();
    // localhost is no name that a public authority may vouch for: it is made, and that is said.
    await expect(makeDialog.getByText('localhost is not a name of the public DNS', { exact: false })).toBeVisible();
    await shot('discouraged');
    await makeDialog.getByRole('button', { name: text('certificates.make.show'), exact: true }).click();
    await expect(makeDialog).toBeHidden();
    await expect(detail(SERVER)).toBeVisible();
    await shot('server');
    await small('server');
  });

  await test.step('and from a request that openssl made, dropped on the window', async () => {
    openssl(['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', path('api.key'), '-subj', `/CN=${REQUESTED}`, '-addext', `subjectAltName=DNS:${REQUESTED}`, '-out', path('api.csr')]);
    if (program.kind === 'browser') {
      const transfer = await page.evaluateHandle(({ name, content }) => {
        const data = new DataTransfer();
        data.items.add(new File([content], name));
        return data;
      }, { name: basename(path('api.csr')), content: readFileSync(path('api.csr'), 'utf8') });
      await page.locator('main').dispatchEvent('dragover', { dataTransfer: transfer });
      await expect(page.getByText(text('certificates.import.drop', { n: 1 }))).toBeVisible();
      await page.locator('main').dispatchEvent('drop', { dataTransfer: transfer });
    } else {
      await page.getByRole('button', { name: text('certificates.make.open'), exact: true }).first().click();
      await makeDialog.getByRole('radio', { name: text('certificates.way.issue-request') }).check({ force: true });
      await program.choosing([path('api.csr')], () => makeDialog.getByRole('button', { name: text('certificates.make.chooseRequest'), exact: true }).click());
    }
    await expect(makeDialog.getByRole('region', { name: text('certificates.inFile') }).getByText(`DNS:${REQUESTED}`, { exact: false }).or(makeDialog.getByText(`dns:${REQUESTED}`, { exact: false })).first()).toBeVisible();
    await issuedBy(CA);
    await shot('make-from-request');
    await press('issue-request', REQUESTED);
    await saveAs(REQUESTED, 'pem', 'api.pem');
    const chain = readFileSync(path('api.pem'), 'utf8');
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
    writeFileSync(path('ca.pem'), `-----BEGIN CERTIFICATE${chain.split('-----BEGIN CERTIFICATE')[2]}`);
    expect(judge('openssl', 'x509', '-in', path('ca.pem'), '-noout', '-ext', 'nameConstraints').said.split(/\s*\n\s*/)).toEqual(expect.arrayContaining(['Permitted:', 'DNS:localhost', 'DNS:example.org', 'IP:127.0.0.0/255.0.0.0', 'Excluded:', 'DNS:bank.example.org']));
  });

  await test.step('openssl believes both, with the root alone', async () => {
    for (const [name, file] of [[ROOT, 'root.pem'], [CA, 'ca1.pem']] as const) {
      await opens(name);
      await saveAs(name, 'pem', file);
    }
    expect(openssl(['verify', '-x509_strict', '-CAfile', path('root.pem'), '-untrusted', path('api.pem'), '-purpose', 'sslserver', '-verify_hostname', REQUESTED, path('api.pem')])).toContain('OK');
  });

  let server: ChildProcess | undefined;
  try {
    await test.step('what is exported as PKCS#12 is served, and curl trusts it', async () => {
      await opens(SERVER);
      await saveAs(SERVER, 'pkcs12', 'web.p12', () => chooseSecret(program, text('ask.exportPassphrase', { name: SERVER }), 'export-passphrase', EXPORT_PASSPHRASE));
      writeFileSync(path('served.pem'), openssl(['pkcs12', '-in', path('web.p12'), '-passin', 'stdin', '-nodes'], `${EXPORT_PASSPHRASE}\n`));
      expect(readFileSync(path('served.pem'), 'utf8').match(/BEGIN CERTIFICATE/g)).toHaveLength(3);
      const port = await freePort();
      server = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', path('served.pem'), '-key', path('served.pem'), '-cert_chain', path('served.pem'), '-www', '-quiet'], { stdio: 'ignore' });
      const { status, said } = judge('curl', '--silent', '--show-error', '--retry', '20', '--retry-delay', '1', '--retry-connrefused', '--noproxy', '*', '--cacert', path('root.pem'), `https://localhost:${port}/`);
      expect(status, said).toBe(0);
      expect(said).toContain('s_server');
      await page.getByRole('button', { name: text('certificates.examine.open'), exact: true }).click();
      const dialog = page.getByRole('dialog', { name: text('certificates.examine.title') });
      await dialog.getByLabel(text('certificates.examine.host'), { exact: true }).fill(`localhost:${port}`);
      await dialog.getByRole('button', { name: text('certificates.examine.action'), exact: true }).click();
      await expect(dialog.getByText(text('certificates.verdictTrusted'), { exact: true })).toBeVisible();
      await shot('examined');
      await small('examined');
      await page.keyboard.press('Escape');
    });
  } finally {
    server?.kill();
  }

  const list = page.getByRole('dialog', { name: new RegExp(`^${text('certificates.crl.title', { name: '' }).split('“')[0]}`) });
  await test.step('revoked, and the list signed and saved', async () => {
    await ada.picks(detail(SERVER), text('certificates.revoke.open'));
    const dialog = page.getByRole('dialog', { name: text('certificates.revoke.title', { name: SERVER }) });
    await dialog.getByRole('button', { name: new RegExp(`${text('certificates.revoke.reason')}$`) }).click();
    await page.getByRole('option', { name: text('certificates.reason.key-compromise') }).click();
    await shot('revoke');
    await dialog.getByRole('button', { name: text('certificates.revoke.action'), exact: true }).click();
    await expect(dialog).toBeHidden();
    await page.getByRole('button', { name: text('certificates.makeCrl'), exact: true }).click();
    await list.getByRole('radio', { name: text('certificates.format.pem') }).check({ force: true });
    await shot('list');
    await isAccessible(page, 'revocation list', ['light']);
    await program.saving(path('ca1.crl'), () => list.getByRole('button', { name: text('certificates.crl.action'), exact: true }).click());
    await expect(list).toBeHidden();
    await expect.poll(() => existsSync(path('ca1.crl'))).toBe(true);
    await shot('revoked');
  });

  await test.step('a delta says what changed since that list', async () => {
    await opens(CA);
    await ada.picks(detail(CA), text('certificates.makeCrl'));
    await list.getByRole('checkbox', { name: text('certificates.crl.delta') }).check({ force: true });
    await program.saving(path('delta.crl'), () => list.getByRole('button', { name: text('certificates.crl.action'), exact: true }).click());
    await expect(list).toBeHidden();
    await expect.poll(() => existsSync(path('delta.crl'))).toBe(true);
    const { said } = judge('openssl', 'crl', '-inform', 'DER', '-in', path('delta.crl'), '-noout', '-text');
    expect(said).toContain('Delta CRL Indicator: critical');
    expect(said).toContain('No Revoked Certificates');
  });

  await test.step('openssl refuses what was revoked, and believes what was not', () => {
    const checked = (file: string) => judge('openssl', 'verify', '-crl_check', '-CRLfile', path('ca1.crl'), '-CAfile', path('root.pem'), '-untrusted', path('ca1.pem'), path(file));
    const refused = checked('served.pem');
    expect(refused.status).not.toBe(0);
    expect(refused.said).toContain('certificate revoked');
    expect(checked('api.pem').said).toContain('OK');
  });

  const { repeats, unentered } = card.ledger;
  expect({ repeats, unentered }, 'PINs that were sent and should not have been').toEqual({ repeats: 0, unentered: 0 });
});
