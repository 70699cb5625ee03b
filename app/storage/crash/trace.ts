import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A system call of interest, at its beginning or its end. Threads run at once, so what lies between counts for neither. */
export interface TraceEvent {
  readonly phase: 'start' | 'end';
  readonly call: string;
  /** The file of the descriptor, or the first path that was given. */
  readonly path: string;
  /** Of a renaming. */
  readonly to: string | undefined;
  readonly data: Buffer | undefined;
  /** The last number among the arguments: position of a pwrite, length of a truncation, mode otherwise. */
  readonly number: number;
  readonly flags: string;
  readonly descriptor: number | undefined;
}

const CALLS = ['openat', 'mkdir', 'mkdirat', 'rename', 'renameat', 'renameat2', 'unlink', 'unlinkat', 'rmdir', 'write', 'pwrite64', 'writev', 'pwritev', 'ftruncate', 'fallocate', 'fsync', 'fdatasync', 'sync_file_range'];

/** Why system calls cannot be traced here; undefined if they can. */
export const noTracing: string | undefined = (() => {
  const tried = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (tried.error !== undefined) return 'strace is not installed';
  return tried.status === 0 ? undefined : 'strace may not trace here';
})();

/** The command that runs another one, and writes its system calls to `output`. */
export function straceOf(output: string): readonly string[] {
  // Everything in hexadecimal, with the files of descriptors.
  return ['strace', '-f', '-y', '-xx', '-s', '10000000', '-e', `trace=${CALLS.join(',')}`, '-e', 'signal=none', '-o', output];
}

/** @returns the successful calls of a trace in their order. @throws on a call that is not understood. */
export function readTrace(path: string): TraceEvent[] {
  const events: TraceEvent[] = [];
  const unfinished = new Map<string, { text: string; index: number }>();
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const [, thread, text] = /^(\d+) +(.*)$/.exec(line) ?? [];
    if (thread === undefined || text === undefined || text.startsWith('+++') || text.startsWith('---')) continue;
    if (text.endsWith('<unfinished ...>')) {
      const begun = text.slice(0, -'<unfinished ...>'.length);
      unfinished.set(thread, { text: begun, index: events.length });
      events.push(parse(begun, 'start'));
      continue;
    }
    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/.exec(text) ?? [];
    const begun = rest === undefined ? undefined : unfinished.get(thread);
    const whole = begun === undefined ? text : begun.text + rest;
    const failed = / = -1 /.test(whole);
    if (begun === undefined && !failed) events.push(parse(whole, 'start'));
    if (begun !== undefined && failed) events[begun.index] = { ...events[begun.index]!, call: 'failed' };
    if (!failed) events.push(parse(whole, 'end'));
  }
  return events;
}

function parse(text: string, phase: TraceEvent['phase']): TraceEvent {
  const [, call, rest] = /^(\w+)\((.*)$/.exec(text) ?? [];
  if (call === undefined || rest === undefined) throw new Error(`not understood: ${text.slice(0, 200)}`);
  const args = rest.replace(/\)\s+= .*$/, '').replace(/AT_FDCWD(<[^>]*>)?, /g, '');
  const strings = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex]) => Buffer.from(hex!.replaceAll('\\x', ''), 'hex'));
  const [, descriptor, file] = /^(\d+)<((?:\\x[0-9a-f]{2})*)>/.exec(args) ?? [];
  const onDescriptor = file !== undefined;
  return {
    phase,
    call,
    path: onDescriptor ? Buffer.from(file.replaceAll('\\x', ''), 'hex').toString() : (strings[0]?.toString() ?? ''),
    to: onDescriptor ? undefined : strings[1]?.toString(),
    data: onDescriptor ? strings[0] : undefined,
    number: Number(/(\d+)\s*$/.exec(args)?.[1] ?? Number.NaN),
    flags: /\b(O_[A-Z_|]+)/.exec(args)?.[1] ?? '',
    descriptor: descriptor === undefined ? undefined : Number(descriptor),
  };
}
