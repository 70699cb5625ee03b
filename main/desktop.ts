import { join } from 'node:path';
import { app, Menu, nativeImage, powerMonitor, shell } from 'electron';
import type { BrowserWindow, Tray } from 'electron';
import { connectCore, processChannel } from '../app/rpc/index.ts';
import type { CoreEvent } from '../app/contract/index.ts';
import { PROMPT, WINDOW } from '../preload/channels.ts';
import { TimedClipboard } from './clipboard.ts';
import { launchCore } from './core/process.ts';
import { CoreSupervisor } from './core/supervisor.ts';
import { DraggedFiles } from './dragged-files.ts';
import { pickFiles, pickSavePath, saveFile } from './dialogs.ts';
import { isProgram, KnownFiles } from './known-files.ts';
import { applicationMenu } from './menu.ts';
import type { MenuActions } from './menu.ts';
import { OpenedFiles } from './opened-files.ts';
import type { Places } from './places.ts';
import { PROMPT_PRINCIPAL, WINDOW_PRINCIPAL } from './principals.ts';
import { asResult, CallTable, Post } from './router.ts';
import type { Side } from './router.ts';
import { wordsFor } from './texts.ts';
import type { Words } from './texts.ts';
import { openTray, trayMenu } from './tray.ts';
import { openMainWindow, prepareMainSession } from './window/main-window.ts';
import { PromptWindow } from './window/prompt-window.ts';

interface Jobs {
  jobs: { state: string }[];
}

interface Pending {
  prompts: { id: string; askedBy: string; askedAt: string; request: unknown }[];
}

/** Composes the desktop program: one core, one main window, one prompt window, and the messages between them. */
export class Desktop {
  readonly core: CoreSupervisor;
  readonly #places: Places;
  readonly #clipboard = new TimedClipboard();
  readonly #opened = new OpenedFiles();
  readonly #known = new KnownFiles();
  readonly #dragged = new DraggedFiles(() => app.getPath('temp'));
  readonly #calls = new CallTable();
  readonly #promptCalls = new CallTable();
  readonly #prompts: PromptWindow;
  readonly #windowSide: Side;
  readonly #promptSide: Side;
  #words: Words;
  #main: BrowserWindow | undefined;
  #tray: Tray | undefined;
  #appearance: Readonly<Record<'language' | 'theme', string>> | undefined;
  #pendingPrompts = 0;
  #lastPromptCall = 0;
  /** The last window was closed: the program ends with the last job. */
  #isLeaving = false;

  constructor(where: Places, dataFolder: string | undefined) {
    this.#places = where;
    this.#words = wordsFor(app.getLocale());
    this.core = new CoreSupervisor({
      launch: () => launchCore({ node: where.node, coreHost: where.coreHost, dataFolder }),
      connect: (child) => connectCore(processChannel(child)),
      log: (line) => console.error(`keywright: ${line}`),
    });
    this.#prompts = new PromptWindow({
      where,
      title: () => this.#words.promptTitle,
      parent: () => this.#main,
      appearance: () => this.#appearance,
      onDismissed: () => void this.#cancelPrompts(),
    });
    this.#windowSide = { surface: 'window', principal: WINDOW_PRINCIPAL, contents: () => this.#main?.webContents };
    this.#promptSide = { surface: 'prompt', principal: PROMPT_PRINCIPAL, contents: () => this.#prompts.contents };
  }

  /** Once, when the app is ready. */
  start(): void {
    prepareMainSession(this.#places);
    this.core.subscribe((event) => this.#onEvent(event));
    this.core.start();
    this.#answerWindow();
    this.#answerPromptWindow();
    this.#tray = openTray(this.#places.icon);
    this.#tray?.on('click', () => this.show());
    this.#showMenus();
    powerMonitor.on('suspend', () => void this.#lock());
    powerMonitor.on('lock-screen', () => void this.#lock());
    this.show();
  }

  /** Brings the main window to the front, opening it if it was closed. */
  show(): void {
    this.#isLeaving = false;
    if (this.#main === undefined || this.#main.isDestroyed()) this.#open();
    const window = this.#main;
    if (window === undefined) return;
    if (window.isMinimized()) window.restore();
    if (window.isVisible()) window.focus();
    if (this.#pendingPrompts > 0) this.#prompts.show();
  }

  /** Shows the files that the system gave to the program. */
  openFiles(paths: readonly string[]): void {
    this.#opened.add(paths);
    for (const path of paths) this.#known.choose(path);
    this.show();
    if (paths.length > 0) this.#main?.webContents.send(WINDOW.opened);
  }

  /** Ends the program once no job runs any more, unless the window is opened again before. */
  quitAfterJobs(): void {
    this.#isLeaving = true;
    void this.#quitIfIdle();
  }

  async #quitIfIdle(): Promise<void> {
    const told = await asResult(() => this.core.call('jobs.list', {}, { principal: WINDOW_PRINCIPAL }));
    const isBusy = told.ok && (told.output as Jobs).jobs.some(({ state }) => state === 'running');
    if (this.#isLeaving && !isBusy) app.quit();
  }

  async stop(): Promise<void> {
    this.#prompts.close();
    this.#tray?.destroy();
    await this.#clipboard.clear();
    this.#dragged.clear();
    await this.core.stop();
  }

  readonly #actions: MenuActions = {
    command: (name) => {
      this.show();
      this.#main?.webContents.send(WINDOW.command, name);
    },
    lock: () => void this.#lock(),
  };

  #showMenus(): void {
    Menu.setApplicationMenu(applicationMenu(this.#words, this.#actions));
    this.#tray?.setContextMenu(trayMenu(this.#words, { ...this.#actions, show: () => this.show(), quit: () => app.quit() }));
  }

  /** The page tells its language and theme: the person chooses them there. */
  #follow(language: unknown, theme: unknown): void {
    if (typeof language !== 'string' || typeof theme !== 'string' || !/^[a-z]{2,3}(-\w+)*$/i.test(language) || !/^[a-z]{0,20}$/.test(theme)) return;
    if (language === this.#appearance?.language && theme === this.#appearance.theme) return;
    this.#appearance = { language, theme };
    this.#prompts.renew();
    const words = wordsFor(language);
    if (words === this.#words) return;
    this.#words = words;
    this.#showMenus();
  }

  #open(): void {
    const window = openMainWindow(this.#places, join(app.getPath('userData'), 'window.json'), () => console.log('keywright: window ready'));
    this.#main = window;
    // A page that went away waits for nothing any more.
    window.webContents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) this.#calls.leave();
    });
    window.webContents.on('render-process-gone', (_event, { reason }) => {
      this.#calls.leave();
      if (reason !== 'clean-exit' && !window.isDestroyed()) window.reload();
    });
    window.on('closed', () => {
      this.#calls.leave();
      this.#main = undefined;
      this.#prompts.close();
    });
  }

  #onEvent(event: CoreEvent): void {
    if (this.#main?.isDestroyed() === false) this.#main.webContents.send(WINDOW.event, event);
    if (event.type === 'jobs.changed' && this.#isLeaving) void this.#quitIfIdle();
    if (event.type !== 'prompts.changed') return;
    this.#pendingPrompts = event.pending;
    if (event.pending === 0) return this.#prompts.rest();
    this.#prompts.show();
    this.#prompts.contents?.send(PROMPT.changed);
  }

  async #lock(): Promise<void> {
    await this.#clipboard.clear();
    await asResult(() => this.core.call('store.lock', {}, { principal: WINDOW_PRINCIPAL }));
  }

  #answerWindow(): void {
    const post = new Post(this.#windowSide, (side, request, reason) => void this.core.refuse(side.principal, request, reason));
    post.answer(WINDOW.call, (event, call, operation, input, wantsProgress) => {
      const progress = wantsProgress === true ? (told: unknown) => { if (!event.sender.isDestroyed()) event.sender.send(WINDOW.progress, call, told); } : undefined;
      return asResult(async () => {
        const output = await this.#calls.run(this.core, this.#windowSide, call, operation, input, progress);
        this.#known.note(output);
        return output;
      });
    });
    post.receive(WINDOW.cancel, (_event, call) => this.#calls.cancel(call));
    post.receive(WINDOW.appearance, (_event, language, theme) => this.#follow(language, theme));
    post.receive(WINDOW.showPrompts, () => { if (this.#pendingPrompts > 0) this.#prompts.show(); });
    post.receive(WINDOW.openExternal, (_event, url) => {
      if (typeof url === 'string' && url.length < 2048 && URL.canParse(url) && new URL(url).protocol === 'https:') void shell.openExternal(url);
    });
    post.receive(WINDOW.dragOut, (event, bytes, name) => {
      const file = this.#dragged.write(bytes, name);
      if (file !== undefined) event.sender.startDrag({ file, icon: nativeImage.createFromPath(this.#places.icon).resize({ width: 48 }) });
    });
    post.answer(WINDOW.copyText, (_event, text, options) => this.#clipboard.copy(text, (options as { clearAfter?: number } | undefined)?.clearAfter));
    post.answer(WINDOW.takeOpened, async () => this.#opened.take());
    post.answer(WINDOW.readOpened, (_event, path, length) => this.#opened.read(path, length));
    post.receive(WINDOW.chosen, (_event, path) => this.#known.choose(path));
    post.answer(WINDOW.openFile, (_event, path) => this.#openFile(this.#known.require(path)));
    post.answer(WINDOW.showInFolder, (_event, path) => shell.showItemInFolder(this.#known.require(path)));
    post.answer(WINDOW.pickFiles, async (_event, options) => {
      const chosen = await pickFiles(this.#mainWindow(), this.#words, options);
      for (const { path } of chosen) this.#known.choose(path);
      return chosen;
    });
    post.answer(WINDOW.pickSavePath, (_event, options) => pickSavePath(this.#mainWindow(), this.#words, options));
    post.answer(WINDOW.saveFile, async (_event, bytes, options) => {
      const path = await saveFile(this.#mainWindow(), this.#words, bytes, options);
      this.#known.choose(path);
      return path;
    });
  }

  async #openFile(path: string): Promise<'opened' | 'shown'> {
    if (isProgram(path) || (await shell.openPath(path)) !== '') {
      shell.showItemInFolder(path);
      return 'shown';
    }
    return 'opened';
  }

  #answerPromptWindow(): void {
    const post = new Post(this.#promptSide, (side, request, reason) => void this.core.refuse(side.principal, request, reason));
    post.answer(PROMPT.pending, async () => (await this.#pending()).prompts);
    post.answer(PROMPT.answer, (_event, id, answer) => asResult(() => this.#promptCall('prompts.answer', { id, answer })));
    post.receive(PROMPT.close, () => { if (this.#pendingPrompts === 0) this.#prompts.rest(); });
    post.receive(PROMPT.resize, (_event, height) => this.#prompts.resize(height));
    post.answer(PROMPT.copyText, (_event, text, options) => this.#clipboard.copy(text, (options as { clearAfter?: number } | undefined)?.clearAfter));
  }

  #promptCall(operation: string, input: unknown): Promise<unknown> {
    return this.#promptCalls.run(this.core, this.#promptSide, (this.#lastPromptCall += 1), operation, input, undefined);
  }

  async #pending(): Promise<Pending> {
    return (await this.#promptCall('prompts.pending', {})) as Pending;
  }

  /** Closing the prompt window says no to everything that it showed. */
  async #cancelPrompts(): Promise<void> {
    await asResult(async () => {
      for (const { id } of (await this.#pending()).prompts) await this.#promptCall('prompts.answer', { id, answer: { kind: 'cancelled' } });
    });
  }

  #mainWindow(): BrowserWindow {
    if (this.#main === undefined) throw new Error('The window is closed.');
    return this.#main;
  }
}
