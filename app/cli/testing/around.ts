import { Readable, Writable } from 'node:stream';
import { run } from '../run.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Terminal } from '../terminal.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Standard output as JSON. */
  readonly json: Record<string, never>;
}

/** Runs a command line in this process, without a terminal unless one is given. */
export async function ran(argv: readonly string[], given: { env?: Record<string, string>; stdin?: string | Buffer | Readable; terminal?: Terminal; signal?: AbortSignal; tty?: boolean; columns?: number } = {}): Promise<Ran> {
  const [stdout, stderr] = [collector(given.tty, given.columns), collector(given.tty, given.columns)];
  const around: Surroundings = {
    stdin: () => (given.stdin instanceof Readable ? given.stdin : Readable.from([Buffer.from(given.stdin ?? '')])),
    stdout: stdout.stream, stderr: stderr.stream, env: given.env ?? {},
    terminal: given.terminal ?? null,
    signal: given.signal ?? new AbortController().signal,
  };
  const code = await run(argv, around);
  const text = stdout.bytes();
  return {
    code, stdout: text, stderr: stderr.bytes().toString('utf8'),
    get json() {
      return JSON.parse(text.toString('utf8')) as Record<string, never>;
    },
  };
}

function collector(tty = false, columns?: number): { stream: Writable & { isTTY?: boolean; columns?: number }; bytes(): Buffer } {
  const pieces: Buffer[] = [];
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      pieces.push(Buffer.from(piece));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY: tty, ...(columns === undefined ? {} : { columns }) }), bytes: () => Buffer.concat(pieces) };
}
