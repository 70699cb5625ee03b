import { app } from 'electron';
import type { Session, WebContents, WebPreferences } from 'electron';
import { ORIGINS } from './served-files.ts';

/** What every window of ours runs with. Stated in full, although most of it is Electron's default: defaults change. */
export function securePreferences(session: Session, preload: string): WebPreferences {
  return {
    session,
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    disableDialogs: true,
    devTools: !app.isPackaged,
    additionalArguments: [`--keywright-version=${app.getVersion()}`],
  };
}

/** Denies a session every permission, device and address that is not ours. */
export function lockSession(session: Session): void {
  session.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, answer) => answer({}));
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest((details, answer) => {
    const allowed = details.url.startsWith('keywright://') || details.url.startsWith('data:') || (!app.isPackaged && details.url.startsWith('devtools://'));
    answer({ cancel: !allowed });
  });
}

function lockContents(contents: WebContents): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-attach-webview', (event) => event.preventDefault());
  // Reloading the page that is shown is no navigation elsewhere.
  const stay = (event: { preventDefault(): void }, url: string) => {
    const here = Object.values(ORIGINS).some((origin) => contents.getURL().startsWith(`${origin}/`) && url.startsWith(`${origin}/`));
    if (!here) event.preventDefault();
  };
  contents.on('will-navigate', (event) => stay(event, event.url));
  contents.on('will-frame-navigate', (event) => stay(event, event.url));
  contents.on('will-redirect', (event) => event.preventDefault());
  // Nobody is asked before a page goes to about:blank: it is brought back.
  let home: string | undefined;
  contents.on('did-navigate', (_event, url) => {
    if (Object.values(ORIGINS).some((origin) => url.startsWith(`${origin}/`))) home = url;
    else if (home !== undefined) void contents.loadURL(home);
  });
}

/** Applies to every page that this program ever shows. Must run before the first window. */
export function lockEveryPage(): void {
  app.on('web-contents-created', (_event, contents) => lockContents(contents));
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, answer) => {
    event.preventDefault();
    answer(false);
  });
  app.on('select-client-certificate', (event) => event.preventDefault());
  app.on('login', (event) => event.preventDefault());
}
