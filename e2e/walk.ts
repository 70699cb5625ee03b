/**
 * node e2e/walk.ts [FOLDER]: takes a picture of every view, dialog and state of the window, in each language, theme and size, into a folder (e2e/screenshots/walk),
 * and says which texts are cut off, stand out of sight or are the same in both languages. For people who change the window.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { startPcscd } from './devices/pcscd.ts';
import { VirtualYubiKey } from './devices/yubikey/card.ts';
import { startBrowser } from './support/browser.ts';
import { PASSPHRASE, person } from './support/person.ts';
import { chooseSecret, keepRecoveryCode } from './support/prompts.ts';
import { text } from './support/texts.ts';

const LANGUAGES = ['en', 'de'] as const;
const THEMES = ['light', 'dark', 'contrast'] as const;
const SIZES = [[1280, 800], [800, 600]] as const;
const folder = process.argv[2] ?? 'e2e/screenshots/walk';
const only = process.argv[3];

/** What is wrong with a page that can be seen by a machine. */
function lookAt(): string[] {
  const found: string[] = [];
  const visible = (element: Element): boolean => {
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1 && getComputedStyle(element).visibility !== 'hidden' && element.closest('[data-live-announcer], [aria-hidden="true"]') === null;
  };
  const inScroller = (element: Element): boolean => {
    for (let at = element.parentElement; at !== null; at = at.parentElement) if (/auto|scroll/.test(getComputedStyle(at).overflowY) && at.scrollHeight > at.clientHeight) return true;
    return false;
  };
  for (const element of document.querySelectorAll('body *')) {
    if (!visible(element)) continue;
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim() !== '');
    if (own && style.overflowX === 'hidden' && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${element.textContent?.trim()}`);
    if (!own && style.overflowX === 'hidden' && style.textOverflow === 'ellipsis' && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${element.textContent?.trim()}`);
    const box = element.getBoundingClientRect();
    if ((own || element.tagName === 'BUTTON' || element.tagName === 'INPUT') && !inScroller(element) && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1 || box.top < -1) && style.position !== 'fixed' && box.width > 2) found.push(`out of sight: ${element.tagName} ${element.textContent?.trim().slice(0, 60)}`);
    if (/auto|scroll/.test(style.overflowX) && element.scrollWidth > element.clientWidth + 1) found.push(`scrolls sideways: ${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent?.trim().slice(0, 60)}`);
    if (element.tagName === 'BUTTON' && box.height > 44 && !['option', 'tab'].includes(element.getAttribute('role') ?? '')) found.push(`high button: ${element.textContent?.trim().slice(0, 60)}`);
  }
  return [...new Set(found)];
}

const words = (): string[] => {
  const texts: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.parentElement;
    if (at === null || at.closest('[data-live-announcer], pre, code, script, style') !== null) continue;
    const said = walker.currentNode.textContent?.trim() ?? '';
    if (/\p{L}{3,}/u.test(said)) texts.push(said);
  }
  return texts;
};

mkdirSync(folder, { recursive: true });
const data = mkdtempSync(join(tmpdir(), 'keywright-walk-'));
const pcscd = await startPcscd({});
const program = await startBrowser(join(data, 'data'), pcscd.environment);
const { page } = program;
const ada = person(program);
const report: string[] = [];
let number = 0;
const notes = new Map<string, string>();

/** Each once, with the first place where it was seen. */
const note = (what: string, where: string): void => void (notes.has(what) || notes.set(what, where));


/** @returns the answer of an operation that is called as the window does it. */
const call = <T = { [name: string]: never }>(operation: string, input: object = {}): Promise<T> => page.evaluate(async ([name, body]) => {
  const response = await fetch(`/ipc/${name}`, { method: 'POST', body: JSON.stringify(body), headers: { 'X-Keywright': '1', 'Content-Type': 'application/json' } });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${name}: ${JSON.stringify(answer)}`);
  return answer;
}, [operation, input] as const) as Promise<T>;

const speaks = async (language: string): Promise<void> => {
  await call('config.set', { key: 'window.language', value: language });
  await page.waitForFunction((wanted) => document.documentElement.lang === wanted, language);
};

async function seen(name: string): Promise<void> {
  number += 1;
  if (only !== undefined && !new RegExp(only).test(name)) return;
  const said: Record<string, string[]> = {};
  for (const language of LANGUAGES) {
    await speaks(language);
    await page.waitForTimeout(250);
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      for (const theme of THEMES) {
        await page.evaluate((chosen) => { document.documentElement.dataset['theme'] = chosen; }, theme);
        await page.screenshot({ path: join(folder, `${theme}-${language}-${width}-${String(number).padStart(2, '0')}-${name.replaceAll(/\W+/g, '-')}.png`), animations: 'disabled' });
      }
      for (const one of await page.evaluate(lookAt)) note(`${language} ${width}: ${one}`, name);
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    said[language] = await page.evaluate(words);
  }
  for (const one of new Set(said['de']?.filter((words) => said['en']?.includes(words) && /\s/.test(words)))) note(`the same in both languages: ${one}`, name);
  await speaks('en');
  process.stdout.write(`${name}\n`);
}

async function promptSeen(name: string): Promise<void> {
  const prompt = await program.prompt();
  await prompt.getByRole('form').waitFor();
  await prompt.setViewportSize({ width: 520, height: 460 });
  for (const theme of THEMES) {
    await prompt.evaluate((chosen) => { document.documentElement.dataset['theme'] = chosen; }, theme);
    await prompt.screenshot({ path: join(folder, `${theme}-prompt-${name.replaceAll(/\W+/g, '-')}.png`) });
  }
  for (const one of await prompt.evaluate(lookAt)) report.push(`prompt ${name}: ${one}`);
}

/** Opens something, takes its picture, closes it with Esc. */
async function shown(name: string, open: () => Promise<void>): Promise<void> {
  try {
    await open();
    await page.waitForTimeout(200);
    await seen(name);
  } catch (error) {
    report.push(`NOT SEEN ${name}: ${String(error).split('\n')[0]}`);
    await page.setViewportSize({ width: 1280, height: 800 });
    await speaks('en').catch(() => undefined);
  }
  await page.keyboard.press('Escape');
  await page.waitForTimeout(100);
}

const press = (name: string, where: Pick<Page, 'getByRole'> = page) => where.getByRole('button', { name: text(name), exact: true }).first().click({ timeout: 10_000 });
const menu = async (region: string, entry: string): Promise<void> => {
  await page.getByRole('region', { name: text(region), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).first().click({ timeout: 10_000 });
  await page.getByRole('menuitem', { name: new RegExp(`^${text(entry).replaceAll(/[.…]/g, '.')}`) }).click({ timeout: 10_000 });
};

try {
  page.setDefaultTimeout(30_000);
  await page.getByRole('heading', { name: text('store.welcome') }).waitFor();
  await seen('first run');
  await shown('open another store', () => press('store.openAnother'));
  await shown('restore', () => press('store.restore'));
  await press('store.create');
  await promptSeen('new passphrase');
  await seen('waiting for the prompt');
  await chooseSecret(program, text('ask.storePassphrase'), 'new-store-passphrase', PASSPHRASE);
  await promptSeen('recovery code');
  await keepRecoveryCode(program);
  await page.getByRole('heading', { name: text('keys.title'), exact: true }).first().waitFor();
  await seen('keys empty');
  for (const place of ['certificates', 'files', 'tokens', 'backends', 'activity', 'settings'] as const) {
    await ada.goesTo(place);
    await page.waitForTimeout(300);
    await seen(`${place} empty`);
  }

  // ------------------------------------------------------------------ keys
  const day = (n: number): string => new Date(Date.now() + n * 86_400_000).toISOString();
  const key = (algorithm: string, label: string, more: object = {}) => call<{ id: string; uri: string }>('keys.generate', { backend: 'software', algorithm, label, ...more });
  const signing = await key('ec-p256', 'Release signing', { tags: ['release', 'ci'] });
  const ending = await key('rsa-4096', 'Backup certificate authority', { notAfter: day(9.2) });
  await key('ed25519', 'Signaturschlüssel der Abteilung für besonders lange Bezeichnungen, Außenstelle Garmisch-Partenkirchen, zweite Fassung', { notAfter: day(400), tags: ['a-tag-that-is-rather-long-for-a-tag'] });
  await key('aes-256', 'Vault');
  await key('chacha20-poly1305', 'Backups');
  await key('ml-dsa-65', 'After quantum');
  await key('x25519', 'Mail');
  await key('slh-dsa-sha2-128s', 'Firmware');
  await key('hmac-sha256', 'Webhooks');
  const rotated = await key('ec-p384', 'api-signer');
  await call('keys.rotate', { key: rotated.uri });
  const suspended = await key('ed25519', 'Suspended one');
  await call('keys.update', { key: suspended.uri, state: 'suspended' }).catch((error: unknown) => report.push(String(error)));
  const stolen = await key('rsa-2048', 'Stolen laptop');
  await call('keys.update', { key: stolen.uri, state: 'compromised' }).catch((error: unknown) => report.push(String(error)));
  const gone = await key('ed25519', 'Thrown away');
  await call('keys.delete', { key: gone.uri });
  await call('backends.add', { type: 'pkcs8', name: 'archive' }).catch((error: unknown) => report.push(String(error)));
  await key('ec-p521', 'In the archive', { backend: 'archive' }).catch((error: unknown) => report.push(String(error)));
  await ada.goesTo('keys');
  await page.waitForTimeout(400);
  await seen('keys many');
  await shown('keys grouped', async () => {
    await page.getByRole('button', { name: new RegExp(text('keys.group')) }).first().click();
    await page.getByRole('option', { name: text('keys.groupBy.algorithm'), exact: true }).click();
  });
  await shown('keys filter open', () => page.getByRole('button', { name: new RegExp(text('keys.uses')) }).first().click());
  await shown('keys none found', () => page.getByRole('searchbox').first().fill('nothing like this'));
  await page.getByRole('searchbox').first().fill('');
  await shown('new key', () => press('keys.new.open'));
  await shown('new key algorithms', async () => {
    await press('keys.new.open');
    await page.getByRole('dialog').getByRole('combobox', { name: text('keys.algorithm') }).click();
    await page.keyboard.press('ArrowDown');
  });
  await page.keyboard.press('Escape');
  await shown('import key', () => press('keys.import.open'));
  await ada.opensKey('Release signing');
  await seen('key detail');
  await shown('key menu', () => page.getByRole('region', { name: text('keys.detail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).click());
  await shown('key context menu', () => page.getByRole('row', { name: /Vault/ }).click({ button: 'right' }));
  await page.getByRole('row', { name: /Release signing/ }).click();
  await shown('key sign', () => press('keys.useButton.sign'));
  await shown('key export', () => press('keys.export.open'));
  await shown('key edit', () => menu('keys.detail', 'keys.edit.open'));
  await page.getByRole('row', { name: /Signaturschl/ }).click();
  await seen('key with a long name');
  await page.getByRole('row', { name: /api-signer/ }).click();
  await seen('key with versions');
  await page.getByRole('row', { name: /Vault/ }).click();
  await shown('key encrypt', () => press('keys.useButton.encrypt'));
  await page.getByRole('row', { name: /Stolen/ }).click();
  await seen('key compromised');
  await page.getByRole('row', { name: /Release/ }).click();
  await page.getByRole('row', { name: /Vault/ }).click({ modifiers: ['Control'] });
  await shown('keys multi', () => page.getByRole('row', { name: /Vault/ }).click({ button: 'right' }));
  await menu('keys.detail', 'keys.trash').catch((error: unknown) => report.push(String(error)));
  await page.waitForTimeout(300);
  await seen('toast with undo');
  await press('common.undo').catch((error: unknown) => report.push(String(error)));
  await page.keyboard.press('Control+Shift+P');
  await shown('palette', async () => undefined);
  await shown('palette search', async () => { await page.keyboard.press('Control+Shift+P'); await page.keyboard.type('rel'); });
  await shown('shortcuts', () => page.keyboard.press('Control+/'));

  // ---------------------------------------------------------- certificates
  const made = async (input: object): Promise<void> => void (await call('certificates.self-sign', input).catch((error: unknown) => report.push(String(error))));
  await made({ key: ending.uri, subject: 'CN=Example root,O=Example', profile: 'root' });
  await made({ key: signing.uri, subject: 'CN=www.example.org', profile: 'tls-server', san: ['dns:www.example.org'], days: 6 });
  await made({ key: stolen.uri, subject: 'CN=Ein sehr langer Name eines Zertifikats für die Außenstelle in Garmisch-Partenkirchen,O=Landesamt für besonders lange Bezeichnungen', profile: 'tls-client' });
  await ada.goesTo('certificates');
  await page.waitForTimeout(400);
  await seen('certificates many');
  for (const dialog of ['examine', 'import', 'make'] as const) await shown(`certificates ${dialog}`, () => press(`certificates.${dialog}.open`));
  for (const row of [/Example root/, /www\.example/, /sehr langer/]) {
    await page.getByRole('row', { name: row }).first().click({ timeout: 10_000 }).catch((error: unknown) => report.push(String(error)));
    await page.waitForTimeout(300);
    await seen(`certificate ${row.source}`);
  }
  await page.getByRole('row', { name: /www\.example/ }).first().click({ timeout: 10_000 }).catch(() => undefined);
  await shown('certificate verdict', () => press('certificates.verify'));
  await shown('certificate export', () => press('certificates.export.open'));
  await shown('certificate menu', () => page.getByRole('region', { name: text('certificates.detail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).click());
  await shown('certificate revoke', () => menu('certificates.detail', 'certificates.revoke.open'));
  await page.getByRole('row', { name: /Example root/ }).first().click({ timeout: 10_000 }).catch(() => undefined);
  await shown('root menu', () => page.getByRole('region', { name: text('certificates.detail'), exact: true }).getByRole('button', { name: text('common.more'), exact: true }).click());
  await shown('crl', () => menu('certificates.detail', 'certificates.crl.open'));
  await shown('ssh', () => menu('certificates.detail', 'certificates.ssh.open'));

  // ----------------------------------------------------------------- files
  await ada.goesTo('files');
  const report1 = join(data, 'report.txt');
  writeFileSync(report1, 'All is well.\n');
  const long = join(data, 'Ein Bericht mit einem ausgesprochen langen Dateinamen, wie er in Ämtern vorkommt, zweite Fassung.txt');
  writeFileSync(long, 'Alles gut.\n');
  await program.choosing([report1, long], () => press('files.choose'));
  await page.waitForTimeout(300);
  await seen('files chosen');
  await program.saving(join(data, 'out.sig'), () => page.getByRole('button', { name: text('files.signAction', { n: 2 }), exact: true }).click()).catch((error: unknown) => report.push(String(error)));
  await page.waitForTimeout(500);
  await seen('files signed');
  for (const mode of ['verify', 'encrypt', 'decrypt', 'inspect'] as const) {
    await page.getByRole('radio', { name: text(`files.mode.${mode}`), exact: true }).check({ force: true });
    await page.waitForTimeout(200);
    await seen(`files ${mode}`);
  }

  // -------------------------------------------------------------- backends
  await call('backends.add', { type: 'pkcs11', name: 'broken', settings: { module: '/usr/lib/no-such-module.so' } }).catch((error: unknown) => report.push(String(error)));
  await ada.goesTo('backends');
  await page.waitForTimeout(500);
  await seen('backends');
  await shown('backends add', () => press('backends.add'));
  await shown('backends add pkcs11', async () => {
    await press('backends.add');
    await page.getByRole('dialog').getByRole('button', { name: new RegExp(text('backends.type')) }).first().click({ timeout: 3000 });
    await page.getByRole('option', { name: /PKCS #?11/ }).first().click({ timeout: 3000 });
  });
  for (const n of [1, 2, 3, 4, 5, 6]) {
    await page.getByRole('row').nth(n).click({ timeout: 2000 }).catch(() => undefined);
    await page.waitForTimeout(400);
    await seen(`backend ${n}`);
  }

  // ---------------------------------------------------------------- tokens
  await ada.goesTo('tokens');
  await shown('token add a module', () => press('tokens.module.open'));
  const card = new VirtualYubiKey({ firmware: '5.7.1', serial: 12_345_678, formFactor: 'usb-c-keychain' });
  await pcscd.reader('yubikey').insert(card);
  await page.getByRole('row', { name: /^9c/ }).waitFor();
  await seen('token');
  await shown('token setup', () => press('tokens.setUp.open'));
  const region = page.getByRole('region', { name: text('tokens.detail'), exact: true });
  await shown('token menu', () => region.getByRole('button', { name: text('common.more'), exact: true }).click());
  for (const action of ['change-pin', 'unblock-pin', 'set-management-key', 'set-retries', 'reset'] as const) await shown(`token ${action}`, () => menu('tokens.detail', `tokens.action.${action}`));
  await page.getByRole('row', { name: /^9c/ }).click();
  await page.waitForTimeout(300);
  await seen('slot empty');
  const slot = page.getByRole('region', { name: text('tokens.slotDetail'), exact: true });
  await shown('slot generate', () => press('tokens.slotAction.generate', slot));
  await press('tokens.slotAction.generate', slot);
  await page.getByRole('dialog').getByRole('button', { name: text('keys.new.action'), exact: true }).click();
  await page.waitForTimeout(1500);
  await seen('slot with a key');
  await shown('slot menu', () => slot.getByRole('button', { name: text('common.more'), exact: true }).click());
  for (const action of ['put-certificate', 'move-key', 'delete-key', 'attest', 'try'] as const) await shown(`slot ${action}`, () => menu('tokens.slotDetail', `tokens.slotAction.${action}`));
  await ada.goesTo('keys');
  await page.waitForTimeout(300);
  await seen('keys with a token');
  await ada.goesTo('tokens');
  await pcscd.reader('yubikey').remove();
  await page.waitForTimeout(1000);
  await seen('token pulled out');

  // ------------------------------------------------------ activity, settings
  await ada.goesTo('activity');
  await seen('activity');
  for (const place of ['activity', 'settings'] as const) {
    await ada.goesTo(place);
    const tabs = await page.getByRole('tab').allTextContents();
    for (const tab of tabs.slice(1)) {
      await page.getByRole('tab', { name: tab, exact: true }).click();
      await page.waitForTimeout(300);
      await seen(`${place} ${tab}`);
    }
  }
  await page.getByRole('tab', { name: text('settings.access'), exact: true }).click();
  await shown('grant access', () => press('settings.grant'));
  await ada.locks();
  await seen('locked');
} catch (error) {
  report.push(`STOPPED: ${String(error)}`);
  await page.screenshot({ path: join(folder, 'stopped.png') });
} finally {
  writeFileSync(join(folder, 'report.txt'), `${[...report, ...[...notes].map(([what, where]) => `${what}  [${where}]`)].join('\n')}\n`);
  await program.close();
  await pcscd.stop();
  rmSync(data, { recursive: true, force: true });
}
