import type { CallOptions } from '../contract/core.ts';
import { EXIT_CHECK_FAILED, ERRORS, fromProblem, KeywrightError, toProblem } from '../contract/errors.ts';
import type { StoreStatus } from '../contract/store.ts';
import { wasNeverSent } from '../rpc/client.ts';
import { globalsOf, isOptionsAlone, mayColor, type Globals } from './globals.ts';
import { at, inputOf } from './input.ts';
import { openFor, unlockFor } from './open.ts';
import { humanError, humanOutput, progressLine, styleFor } from './print.ts';
import { printable } from './printable.ts';
import { Pipes } from './pipes.ts';
import { CommandPrompter } from './secrets.ts';
import { parseShort } from './short.ts';
import type { CommandSpec, OutputSpec } from './spec.ts';
import { StandardInput } from './standard-input.ts';
import { hasTerminal, OWNER, type Surroundings } from './surroundings.ts';
import { HelpAsked, splitWords, type Parsed } from './words.ts';

/** Git calls the program of `gpg.program` and `gpg.ssh.program` as it would call gpg and ssh-keygen. */
const isForGit = ([first = '']: readonly string[]): boolean => first === '-Y' || first.startsWith('--status-fd=') || first.startsWith('--keyid-format=');

/** Commands of the program itself; each brings its own options. */
const PROGRAM: Readonly<Record<string, () => Promise<(argv: readonly string[], around: Surroundings) => Promise<number>>>> = {
  serve: async () => (await import('./serve.ts')).serve,
  completion: async () => (await import('./completion.ts')).completion,
  version: async () => (await import('./about.ts')).showVersion,
  help: async () => (argv, around) => run([...argv, '--help'], around),
};

// Whoever asks an owner for what it knows needs no files.
const files = (): Promise<typeof import('./files.ts')> => import('./files.ts');

export const PROGRAM_WORDS = Object.keys(PROGRAM);

/** Runs one command line. @returns the exit code; never throws. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  const json = argv.includes('--json');
  try {
    return await runWords(argv, around);
  } catch (thrown) {
    if (thrown instanceof HelpAsked) {
      around.stdout.write(thrown.text);
      return 0;
    }
    const problem = toProblem(thrown);
    const style = styleFor(around.stderr.isTTY === true && !argv.includes('--no-color') && mayColor(around.env));
    around.stderr.write(json ? `${JSON.stringify(problem)}\n` : humanError(problem, style));
    if (!json && problem.code === 'INTERNAL' && argv.includes('--verbose')) around.stderr.write(`${String((thrown as Error)?.stack ?? thrown)}\n`);
    return ERRORS[problem.code].exit;
  }
}

async function runWords(argv: readonly string[], around: Surroundings): Promise<number> {
  if (isForGit(argv)) return (await import('./git.ts')).answerGit(argv, around, run);
  // The table of commands is a quarter of a megabyte, which an agent need not hold.
  const [program = ''] = argv;
  if (Object.hasOwn(PROGRAM, program)) return (await PROGRAM[program]!())(argv.slice(1), around);
  const { commandNamed, isCommandPrefix, onlyCommandOf } = await import('./commands.ts');
  const { words, rest } = splitWords(argv, (some) => isCommandPrefix(some) || (some.length === 1 && Object.hasOwn(PROGRAM, some[0]!)));
  const spec = commandNamed(words);
  if (spec !== undefined) return runCommand(spec, rest, around);
  const only = onlyCommandOf(words);
  if (only !== undefined && isOptionsAlone(rest)) return runCommand(only, rest, around);
  const [first = ''] = words;
  if (words.length === 1 && Object.hasOwn(PROGRAM, first)) return (await PROGRAM[first]!())(rest, around);
  const about = await import('./about.ts');
  if (words.length === 0 && argv.includes('--version')) return about.showVersion(argv, around);
  return about.overview(words, rest, around);
}

async function runCommand(spec: CommandSpec, rest: readonly string[], around: Surroundings): Promise<number> {
  const parsed = parseShort(spec, rest) ?? (await parseWhole(spec, rest));
  const globals = globalsOf(parsed.options, around.env);
  const outputs = await outputsOf(spec, parsed, globals);
  const stdin = new StandardInput(around.stdin, around.signal);
  await using pipes = new Pipes(stdin);
  const input = await inputOf(spec, parsed, (file, most, option) => (file === '-' ? stdin.read(most, option) : files().then(({ readFileOf }) => readFileOf(file, most, option, around.signal))), (option) => pipes.input(option));
  await routeOutput(spec, input, pipes, globals);
  const prompter = prompterFor(spec, globals, stdin, around);
  const progress = new ProgressLine(around, spec, globals);
  const options: CallOptions = { principal: OWNER, prompt: prompter, signal: around.signal, ...(progress.wanted ? { progress: (event: unknown) => progress.show(event) } : {}) };
  let output: unknown;
  try {
    output = pipes.named(await callOnce(spec, input, options, globals, around, prompter), globals.json ? '-' : STANDARD_INPUT);
  } catch (thrown) {
    throw thrown instanceof KeywrightError && pipes.hasInput ? fromProblem(pipes.named(toProblem(thrown), STANDARD_INPUT)) : thrown;
  } finally {
    progress.clear();
  }
  await deliver(spec, output, outputs, globals, around, pipes);
  return spec.check !== undefined && at(output, spec.check) === false ? EXIT_CHECK_FAILED : 0;
}

async function parseWhole(spec: CommandSpec, rest: readonly string[]): Promise<Parsed> {
  const texts = rest.includes('--help') || rest.includes('-h') ? (await import('../contract/field-texts.ts')).fieldText : undefined;
  return (await import('./parse.ts')).parseCommand(spec, rest, texts);
}

/** Where a result is a file, standard output gets it from one: of any size, and only when all of it is right. What came from a pipe goes to one if nothing else is said. */
async function routeOutput(spec: CommandSpec, input: Record<string, unknown>, pipes: Pipes, { json }: Globals): Promise<void> {
  if (spec.stdout?.['out.inline'] === undefined) return;
  const out = input['out'] as Readonly<Record<string, unknown>> | undefined;
  const toPipe = out?.['inline'] === true || (pipes.hasInput && out?.['path'] === undefined);
  if (toPipe) input['out'] = json ? { inline: true } : { path: await pipes.output(), overwrite: false };
}

/**
 * An owner that ended before it was asked is replaced by the next, and so is one that is about to end since its store was
 * locked: neither has done anything. One that ended while it was asked never is.
 */
async function callOnce(spec: CommandSpec, input: unknown, options: CallOptions, globals: Globals, around: Surroundings, prompter: CommandPrompter): Promise<unknown> {
  for (let tries = 3; ; tries -= 1) {
    const unlocks = storeNeeded(spec, input) || (spec.opensStoreIfGiven === true && (prompter.answers('store-passphrase') || prompter.answers('recovery-code')));
    const opened = await openFor(spec, globals, around.env, async () => (unlocks ? prompter.ahead('store-passphrase') : undefined));
    let tooEarly = false;
    try {
      const withRecoveryCode = prompter.answers('recovery-code') && !prompter.answers('store-passphrase');
      const damaged = unlocks && opened.passing ? await unlockFor(opened.core, { principal: OWNER, prompt: prompter, signal: around.signal }, withRecoveryCode).catch((thrown: unknown) => {
        // What is wrong with the store is told by whoever works without it.
        if (storeNeeded(spec, input) || !(thrown instanceof KeywrightError) || !TOLD.has(thrown.code)) throw thrown;
        return [];
      }) : [];
      if (damaged.length > 0 && !globals.quiet && !globals.json && spec.words[0] !== 'store') around.stderr.write(damageNote(damaged));
      // Who gives the one secret and not the other has said what to unlock with.
      return await opened.core.call(spec.id, spec.background === true && withRecoveryCode ? { with: 'recovery-code', ...(input as object) } : input, options);
    } catch (thrown) {
      tooEarly = opened.ending && thrown instanceof KeywrightError && thrown.code === 'STORE_LOCKED';
      if (tries <= 1 || !(tooEarly || wasNeverSent(thrown))) throw thrown;
    } finally {
      await opened.close();
    }
    if (tooEarly) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const STANDARD_INPUT = 'standard input';

/** What is no record, but of the store as a whole. */
const WHOLE: ReadonlySet<string> = new Set(['header', 'index', 'log']);

/** What else is read and done may be right all the same, so that it is said and hinders nothing. */
function damageNote(problems: StoreStatus['problems']): string {
  const whole = problems.filter(({ record }) => WHOLE.has(record));
  const records = problems.flatMap(({ record }) => (WHOLE.has(record) ? [] : [record]));
  const few = records.slice(0, 3).map(printable).join(', ');
  return [
    ...whole.map(({ detail }) => `keywright: ${printable(detail)}\n`), ...(whole.length > 0 ? ['  `keywright audit verify` tells of what was lost or put back, `keywright store verify` what is affected.\n'] : []),
    ...(records.length > 0 ? [`keywright: ${records.length === 1 ? 'A record of this store is' : `${records.length} records of this store are`} damaged, missing or put back from another copy: ${few}${records.length > 3 ? ' …' : ''}.\n  \`keywright store verify\` tells what is affected.\n`] : []),
  ].join('');
}

/** Faults of a store that is there: `doctor` tells them. */
const TOLD: ReadonlySet<string> = new Set(['CORRUPT_RECORD', 'STORE_TOO_NEW', 'STORAGE_READ_ONLY', 'STORAGE_FULL']);

const storeNeeded = ({ needsStore, withoutStore }: CommandSpec, input: unknown): boolean => needsStore && withoutStore?.every((field) => (input as Readonly<Record<string, unknown>>)[field] !== undefined) !== true;

function prompterFor(spec: CommandSpec, globals: Globals, stdin: StandardInput, around: Surroundings): CommandPrompter {
  return new CommandPrompter({
    files: globals.secretFiles, also: spec.prompts ?? {}, stdin, yes: globals.yes, signal: around.signal,
    terminal: async () => (around.terminal === undefined ? (await import('./terminal.ts')).openTerminal() : (around.terminal ?? undefined)),
    hasTerminal: around.terminal === undefined ? hasTerminal() : around.terminal !== null,
  });
}

interface Output extends OutputSpec {
  /** `-`: standard output. */
  readonly file: string;
  readonly force: boolean;
}

/** Where the answer goes. What cannot be written is refused before anything is done. */
async function outputsOf(spec: CommandSpec, { options }: Parsed, { json }: Globals): Promise<Output[]> {
  const force = options['force'] === true;
  const outputs: Output[] = [];
  // Where `--out` is a path of the input, the core writes it itself.
  const byCore = spec.options.some(({ name }) => name === 'out');
  if (spec.out !== undefined) {
    const file = options['out'] as string | undefined;
    if (file === '-' && json) throw new KeywrightError('INVALID_INPUT', { detail: '--json and --out - both write to standard output.', where: '--out', remedy: 'Leave out one of them.' });
    if (byCore ? file === '-' : !(json && file === undefined)) outputs.push({ ...spec.out, file: file ?? '-', force });
  }
  for (const [name, output] of Object.entries(spec.outs ?? {})) {
    const file = options[name] as string | undefined;
    if (file !== undefined) outputs.push({ ...output, file, force });
  }
  if (outputs.filter(({ file }) => file === '-').length > 1) throw new KeywrightError('INVALID_INPUT', { detail: 'Only one answer can go to standard output.', remedy: 'Name files for the others.' });
  for (const { file } of outputs) if (file !== '-') await (await files()).mayWrite(file, force);
  return outputs;
}

async function deliver(spec: CommandSpec, output: unknown, outputs: readonly Output[], globals: Globals, around: Surroundings, pipes: Pipes): Promise<void> {
  const { stdout, stderr } = around;
  let delivered = await pipes.deliver(stdout, (content) => (isText(content) ? content : `${Buffer.from(content).toString('base64url')}\n`));
  // What goes to a file or a pipe has no place for what is to be known of it.
  const notes = at(output, 'notes');
  for (const { path, bytes, file, force, secret } of outputs) {
    const value = at(output, path);
    if (typeof value !== 'string' || (file === '-' && delivered)) continue;
    // A verdict is shown all the same: the file beside it is not the answer.
    delivered ||= file === '-' || spec.check === undefined || spec.out !== undefined;
    const content = bytes ? Buffer.from(value, 'base64url') : Buffer.from(value);
    if (file !== '-') {
      await (await files()).writeOut(file, content, { force, secret: secret === true });
      if (!globals.quiet && !globals.json) stderr.write(`${file}: ${content.length} bytes\n`);
      continue;
    }
    // Bytes that are no text would garble a terminal; a file or a pipe gets them as they are.
    stdout.write(stdout.isTTY === true && bytes && !isText(content) ? `${value}\n` : content);
  }
  if (delivered && !globals.json && !globals.quiet && Array.isArray(notes)) for (const note of notes) stderr.write(`${printable(String(note))}\n`);
  if (globals.json) stdout.write(`${JSON.stringify(output, null, stdout.isTTY === true ? 2 : undefined)}\n`);
  else if (!delivered) stdout.write(humanOutput(spec, output, styleFor(stdout.isTTY === true && globals.color)));
}

function isText(bytes: Uint8Array): boolean {
  try {
    return !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.test(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return false;
  }
}

/** How far it is, on one line that is overwritten; only for a person who looks. */
class ProgressLine {
  readonly wanted: boolean;
  readonly #stderr: Surroundings['stderr'];
  #shownAt = 0;
  #shown = false;

  constructor({ stderr, env }: Surroundings, spec: CommandSpec, { quiet, json }: Globals) {
    this.#stderr = stderr;
    // A dumb terminal cannot go back to the beginning of a line.
    this.wanted = spec.progress && stderr.isTTY === true && env['TERM'] !== 'dumb' && !quiet && !json;
  }

  show(event: unknown): void {
    const now = Date.now();
    if (now - this.#shownAt < 100) return;
    this.#shownAt = now;
    this.#shown = true;
    this.#stderr.write(`\r\x1b[K${progressLine(event, this.#stderr.columns)}`);
  }

  clear(): void {
    if (this.#shown) this.#stderr.write('\r\x1b[K');
  }
}
