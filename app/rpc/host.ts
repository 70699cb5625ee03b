/**
 * The core in a process of its own.
 *
 *     core-host [--data-dir DIR] [--config FILE]                 the desktop's: serves its parent, ends with it
 *     core-host --background --data-dir DIR [--config FILE]      the background owner: ends once the store is locked
 */
import { parseArgs } from 'node:util';
import { configFileOf, dataDirOf, loadConfig } from '../config/index.ts';
import { toProblem, type Core } from '../contract/index.ts';
import { openCore, version } from '../index.ts';
import { processChannel } from './channel.ts';
import { KeptCore } from './kept-core.ts';
import { becomeOwner, ownOrUse, type Owner, type OwnerOptions } from './owner.ts';
import { serveCore } from './server.ts';

/** Milliseconds that a background owner waits for whoever started it to come and unlock. */
const FIRST_CLIENT_WITHIN = 15_000;
/** Milliseconds that other processes' calls get when the desktop ends. */
const PATIENCE = 3000;

const { values } = parseArgs({ options: { 'data-dir': { type: 'string' }, config: { type: 'string' }, background: { type: 'boolean', default: false } } });
const dataDir = dataDirOf(values['data-dir']);
const { path: file, named } = configFileOf(values.config, dataDir);
// A mistyped setting must not keep the window from opening: it can be seen and mended there.
const config = loadConfig({ file, named, env: process.env, lenient: true });

function ownerOptions<K extends 'desktop' | 'background'>(kind: K): OwnerOptions<Core> {
  return { dataDir, kind, version, open: (claim) => openCore({ dataDir, config, kind, claim }) };
}

async function serveParent(): Promise<void> {
  const channel = processChannel(process);
  let owner: Owner | undefined;
  const core = await KeptCore.begin(async () => {
    const held = await ownOrUse(ownerOptions('desktop'));
    owner = held.owner;
    return held.core;
  });
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    if (owner === undefined) await core[Symbol.asyncDispose]();
    else await owner.close({ patience: PATIENCE });
    process.exit(0);
  };
  channel.onClose(() => void end());
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end());
  serveCore(core, channel, { owner: { pid: process.pid, kind: 'desktop', version } });
}

async function serveBackground(): Promise<void> {
  const starter = processChannel(process);
  let owner: Owner | undefined;
  try {
    owner = await becomeOwner(ownerOptions('background'));
  } catch (thrown) {
    starter.send({ problem: toProblem(thrown) });
    starter.close();
    process.exitCode = 1;
    return;
  }
  starter.send({ ready: true });
  starter.onClose(() => undefined);
  // Another process was faster: whoever started this one finds that.
  if (owner === undefined) return starter.close();
  endWhenLocked(owner);
}

/** A background owner is there for an open store: locked, and with nobody connected, it ends. */
function endWhenLocked(owner: Owner): void {
  let unlocked = false;
  const end = (): void => void owner.close({ patience: PATIENCE }).finally(() => process.exit(0));
  const consider = (): void => {
    clearTimeout(waiting);
    // At once, so that the next command finds the store free and not locked.
    if (!unlocked && owner.clients === 0) end();
  };
  const waiting = setTimeout(consider, FIRST_CLIENT_WITHIN);
  owner.core.subscribe((event) => {
    if (event.type !== 'store.changed') return;
    unlocked = event.state === 'unlocked';
    consider();
  });
  owner.onClientsChange(consider);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
}

if (values.background) await serveBackground();
else await serveParent();
