import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

interface CoreProgram {
  readonly node: string;
  readonly coreHost: string;
  readonly dataFolder: string | undefined;
}

/** Switches of Node and Electron that would change what the core does, or open a debugger into it. */
const NOT_INHERITED = ['NODE_OPTIONS', 'ELECTRON_RUN_AS_NODE', 'NODE_CHANNEL_FD', 'NODE_UNIQUE_ID'];

/** Starts the core on Node, with a channel to this process alone: when this process ends, however it ends, the channel closes and so does the core. */
export function launchCore(program: CoreProgram): ChildProcess {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_INHERITED.includes(name)));
  // Each thread would have a heap of its own in malloc, and an idle core would hold the pages of all.
  environment['MALLOC_ARENA_MAX'] ??= '2';
  if (program.dataFolder !== undefined) environment['KEYWRIGHT_DATA_DIR'] = program.dataFolder;
  return spawn(program.node, [program.coreHost], {
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
  });
}
