import { ERRORS, FACES, nounOf, NOUNS, OPERATIONS, type Face, type Operation } from '../app/contract/index.ts';
import { operationsOn } from '../app/agent/faces.ts';

/** Documentation that is made from the contract. */

const MADE = '<!-- Made by `npm run generate`. Not to be edited. -->';

/** Names of gRPC's status codes by number. */
const GRPC_NAMES: Readonly<Record<number, string>> = {
  1: 'CANCELLED', 2: 'UNKNOWN', 3: 'INVALID_ARGUMENT', 4: 'DEADLINE_EXCEEDED', 5: 'NOT_FOUND', 6: 'ALREADY_EXISTS', 7: 'PERMISSION_DENIED', 8: 'RESOURCE_EXHAUSTED',
  9: 'FAILED_PRECONDITION', 10: 'ABORTED', 11: 'OUT_OF_RANGE', 12: 'UNIMPLEMENTED', 13: 'INTERNAL', 14: 'UNAVAILABLE', 15: 'DATA_LOSS', 16: 'UNAUTHENTICATED',
};

const FACE_NAMES: Readonly<Record<Face, string>> = { ipc: 'window', rest: 'REST', cli: 'command line', prompt: 'prompt surface' };

/** @returns docs/operations.md */
export function operationsPage(): string {
  const left = OPERATIONS.flatMap((operation) => FACES.filter((face) => operation.notOn?.[face] !== undefined).map((face) => [code(operation.id), FACE_NAMES[face], operation.notOn?.[face] ?? '']));
  return page(
    '# Operations',
    'Everything that a person or a program can do. The window, REST and the command line are made from one list; an operation is on each of them unless a reason is given below. '
    + '*Effect* is what it does at most: `use` means that a private or secret key acts, `destroy` that something is lost for good. An arrow (→) marks answers that stream progress. '
    + 'The whole of REST, with inputs and answers, is in [`resources/openapi.json`](../resources/openapi.json); `keywright NOUN VERB --help` tells the options of a command.',
    ...NOUNS.flatMap((noun) => {
      const operations = OPERATIONS.filter((operation) => nounOf(operation) === noun);
      return [`## ${noun}`, table(['operation', 'what it does', 'permission', 'effect', 'REST', 'command'], operations.map((operation) => [
        code(operation.id) + (operation.progress === undefined ? '' : ' →'), operation.summary, operation.permission === null ? 'any caller' : code(operation.permission), operation.effect, restOf(operation), commandOf(operation),
      ]))];
    }),
    '## Not on every face',
    table(['operation', 'not on', 'because'], left),
    'The prompt surface has the operations of `prompts` alone: it is where secrets are typed, and nothing else.',
  );
}

/** @returns docs/errors.md */
export function errorsPage(): string {
  return page(
    '# Errors',
    'Every error has a code, and every face translates it by this table. REST answers with a problem record (RFC 9457, `application/problem+json`), whose `type` is `urn:keywright:error:` and the code in lower case with hyphens; '
    + '`keywright … --json` writes the same record to standard error. Besides `title`, a record tells in `detail` what failed and why, in `remedy` what to do next, and where they apply `where`, `alternatives`, `triesLeft` and `retryAfter`. '
    + '`instance` names the request, to be found in the log and the audit trail. A cause is logged and never sent.',
    table(['code', 'title', 'HTTP', 'gRPC', 'exit'], Object.entries(ERRORS).map(([name, { title, http, grpc, exit }]) => [code(name), title, String(http), `${grpc} ${GRPC_NAMES[grpc] ?? ''}`, String(exit)])),
    'REST uses four further statuses with `INVALID_INPUT` or `TIMEOUT` where HTTP has a better word: 413 for a body that is too large, 415 for a content type that is not taken, 431 for headers that are too large, 408 for a request that did not come in time.',
    'Exit code 0 means done, and 3 that a check says no (`files verify`, `audit verify`, `store verify` …): an answer, not an error.',
  );
}

/** @returns preload/operations.generated.ts: what the preloads and the main process let through, without a schema library. */
export function preloadModule(): string {
  const ids = (operations: readonly Operation[]): string => operations.map(({ id }) => `  '${id}',`).join('\n');
  const list = (face: Face): string => ids(operationsOn(face));
  const lasting = operationsOn('ipc').filter(({ progress, follows, effect }) => progress !== undefined && follows !== true && effect !== 'read');
  return `// Made by \`npm run generate\`. Not to be edited.\n\n/** What the window may call. */\nexport const IPC_OPERATIONS: readonly string[] = [\n${list('ipc')}\n];\n\n`
    + `/** What the prompt surface may call. */\nexport const PROMPT_OPERATIONS: readonly string[] = [\n${list('prompt')}\n];\n\n`
    + `/** Jobs that make or change something: they go on when the window that began them is closed. */\nexport const LASTING_OPERATIONS: readonly string[] = [\n${ids(lasting)}\n];\n`;
}

/** @returns resources/operation-ids.json: the operations of each face. */
export function operationIds(): string {
  return `${JSON.stringify(Object.fromEntries(FACES.map((face) => [face, operationsOn(face).map(({ id }) => id)])), null, 2)}\n`;
}

function restOf(operation: Operation): string {
  return operation.notOn?.rest === undefined ? code(`${operation.http.method} ${operation.http.path}`) : '–';
}

function commandOf({ id, cli, notOn }: Operation): string {
  if (notOn?.cli !== undefined) return '–';
  const subjects = (cli?.arguments ?? []).map((argument) => {
    const name = argument.replace(/(\.path)?(\.\.\.|\?)?$/, '').replaceAll(/[A-Z]/g, (letter) => `-${letter}`).toUpperCase();
    return argument.endsWith('...') ? `${name}...` : argument.endsWith('?') ? `[${name}]` : name;
  });
  return code(['keywright', ...id.split('.'), ...subjects].join(' '));
}

function page(...parts: readonly string[]): string {
  return `${[MADE, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
