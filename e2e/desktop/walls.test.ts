import type { startElectron } from '../support/electron.ts';
import { expect, test } from '../support/fixture.ts';
import { text } from '../support/texts.ts';

type Desktop = Awaited<ReturnType<typeof startElectron>>;

interface PageGlobals {
  keywright: { call(operation: string, input: unknown): Promise<{ ok: boolean; problem: { code: string } }> };
}

test.beforeEach(async ({ program }) => {
  await expect(program.page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
});

test('the page has the bridge, and nothing of Node or Electron', async ({ program }) => {
  const seen = await program.page.evaluate(() => ['require', 'process', 'Buffer', 'module', 'global', 'electron', 'keywrightPrompt', 'keywright'].filter((name) => name in globalThis));
  expect(seen).toEqual(['keywright']);
});

test('no inline script, no address elsewhere and no evaluated text runs in the page', async ({ program }) => {
  const { page } = program;
  const outcome = await page.evaluate(async () => {
    const script = document.createElement('script');
    script.textContent = 'globalThis.injected = true';
    document.body.append(script);
    const fetched = await fetch('https://keywright.invalid/').then(() => 'fetched', () => 'refused');
    const prompts = await fetch('keywright://prompt/prompt.html').then(() => 'fetched', () => 'refused');
    // Text handed to a timer is evaluated as a script would be; what a test evaluates directly is exempt from the policy.
    const handed: unknown = 'globalThis.evaluated = true';
    setTimeout(handed as () => void);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const evaluated = 'evaluated' in globalThis ? 'evaluated' : 'refused';
    return { injected: 'injected' in globalThis, fetched, prompts, evaluated };
  });
  expect(outcome).toEqual({ injected: false, fetched: 'refused', prompts: 'refused', evaluated: 'refused' });
});

test('the page can neither go elsewhere, nor open a window, nor get a permission', async ({ program }) => {
  const { page } = program;
  const here = page.url();
  const opened = await page.evaluate(() => window.open('https://keywright.invalid/') === null);
  expect(opened).toBe(true);
  await page.evaluate(() => {
    location.href = 'https://keywright.invalid/';
  });
  await page.evaluate(() => {
    location.href = 'keywright://prompt/prompt.html';
  });
  const location_ = await page.evaluate(() => navigator.permissions.query({ name: 'geolocation' }).then(({ state }) => state));
  expect(location_).toBe('denied');
  expect(page.url()).toBe(here);
  expect((program as Desktop).app.windows()).toHaveLength(1);
  // A blank page asks nobody before it comes: the window is brought back.
  await page.evaluate(() => {
    location.href = 'about:blank';
  }).catch(() => undefined);
  await expect(page.getByRole('heading', { name: text('store.welcome') })).toBeVisible();
});

test('the page can have no file opened or shown that nobody chose and no call wrote', async ({ program }) => {
  const outcomes = await program.page.evaluate(async () => {
    const { openFile, showInFolder } = (globalThis as unknown as { keywright: Record<'openFile' | 'showInFolder', (path: string) => Promise<unknown>> }).keywright;
    return Promise.all(['/etc/passwd', '/', 'https://keywright.invalid/'].flatMap((path) => [openFile(path), showInFolder(path)].map((asked) => asked.then(() => 'done', () => 'refused'))));
  });
  expect(new Set(outcomes)).toEqual(new Set(['refused']));
});

test('the page can drag out no file of another kind than certificates are, and nobody else can drag at all', async ({ program }) => {
  const { app, page } = program as Desktop;
  await app.evaluate(({ BrowserWindow, ipcMain }) => {
    const dragged: string[] = Object.assign(globalThis, { dragged: [] }).dragged;
    const { webContents } = BrowserWindow.getAllWindows()[0] as { webContents: { startDrag(item: { file: string }): void } };
    webContents.startDrag = ({ file }) => void dragged.push(file);
    // From another frame than the window's own page.
    ipcMain.emit('keywright:drag-out', { sender: webContents, senderFrame: null, type: 'frame' }, new Uint8Array([1]), 'stranger.pem');
  });
  await page.evaluate(() => {
    const { dragOut } = (globalThis as unknown as { keywright: { dragOut(bytes: unknown, name: unknown): void } }).keywright;
    for (const name of ['setup.exe', 'a.desktop', '../a.pem', '/etc/a.pem', 'a.pem\n.sh', 7]) dragOut(new Uint8Array([1]), name);
    dragOut('text', 'b.pem');
    dragOut(new Uint8Array([1, 2, 3]), 'ada.pem');
  });
  const names = (): Promise<string[]> => app.evaluate(() => (globalThis as unknown as { dragged: string[] }).dragged.map((file) => file.split(/[/\\]/).at(-1) as string));
  await expect.poll(names).toEqual(['ada.pem']);
});

test('the main window cannot see or answer prompts', async ({ program }) => {
  await program.page.getByRole('button', { name: text('store.create'), exact: true }).click();
  await program.prompt();
  for (const operation of ['prompts.pending', 'prompts.answer', 'no.such', '__proto__']) {
    const answer = await program.page.evaluate((id) => (globalThis as unknown as PageGlobals).keywright.call(id, {}), operation);
    expect(answer.ok).toBe(false);
  }
});

test('closing the prompt window cancels what was asked', async ({ program }) => {
  await program.page.getByRole('button', { name: text('store.create'), exact: true }).click();
  const prompt = await program.prompt();
  await expect(prompt.getByRole('form')).toBeVisible();
  await (program as Desktop).app.evaluate(({ BrowserWindow }) => {
    BrowserWindow.getAllWindows().find((window) => window.webContents.getURL().startsWith('keywright://prompt/'))?.close();
  });
  await expect(program.page.getByRole('button', { name: text('store.create'), exact: true })).toBeVisible();
  await expect.poll(() => (program as Desktop).app.windows().length).toBe(1);
});

test('every window is sandboxed and isolated, and the policy forbids everything inline', async ({ program }) => {
  const { app } = program as Desktop;
  const preferences = await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => {
    const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } = (window.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
    return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag: webviewTag ?? false };
  }));
  expect(preferences).toEqual([{ sandbox: true, contextIsolation: true, nodeIntegration: false, webSecurity: true, webviewTag: false }]);
  const policy = await program.page.evaluate(async () => (await fetch(location.href)).headers.get('content-security-policy'));
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
});

test('the clipboard is emptied after its time, unless it holds something else by then', async ({ program }) => {
  const { app } = program as Desktop;
  const copy = (content: string, clearAfter: number) => program.page.evaluate(([words, seconds]) =>
    (globalThis as unknown as { keywright: { copyText(text: string, options: object): Promise<void> } }).keywright.copyText(words as string, { clearAfter: seconds }), [content, clearAfter]);
  const held = () => app.evaluate(async ({ clipboard }) => clipboard.readText());
  await copy('secret', 4);
  expect(await held()).toBe('secret');
  await expect.poll(held).toBe('');
  await copy('secret', 1);
  await app.evaluate(({ clipboard }) => clipboard.writeText('a shopping list'));
  await program.page.waitForTimeout(1500);
  expect(await held()).toBe('a shopping list');
});
