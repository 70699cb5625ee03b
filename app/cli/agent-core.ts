import type { Principal } from '../contract/call.ts';
import type { CallOptions, Core } from '../contract/core.ts';
import { fromProblem, KeywrightError, type Problem } from '../contract/errors.ts';
import { fieldsOf, isText } from '../rpc/messages.ts';
import { COMMANDS } from './commands.ts';
import { readSecretFile, type CommandPrompter } from './secrets.ts';

/** Longest answer that is taken from an agent. */
const MOST = 64 * 1024 * 1024;

/**
 * A core behind REST: the same operations, with an access token. Paths of files mean the agent's machine; secrets come
 * from files alone, since an agent cannot ask back.
 *
 * @throws INVALID_INPUT for an address that is none or would carry the token in clear to another machine; UNAUTHENTICATED
 */
export async function connectAgent(address: string, environment: Readonly<Record<string, string | undefined>>): Promise<Core> {
  const base = URL.canParse(address) ? new URL(address) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.search !== '') {
    throw new KeywrightError('INVALID_INPUT', { detail: `“${address.slice(0, 200)}” is no address of an agent.`, where: '--agent', remedy: 'Give one such as http://127.0.0.1:8420.' });
  }
  if (base.protocol === 'http:' && !/^(127(\.\d+){3}|localhost|\[::1\])$/.test(base.hostname)) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'Without TLS the token could be read on its way to another machine. Nothing was sent.', where: '--agent', remedy: 'Use https.' });
  }
  const token = readSecretFile(tokenFile(environment), 'KEYWRIGHT_TOKEN_FILE').trim();
  if (!/^[\x21-\x7e]+$/.test(token)) throw new KeywrightError('UNAUTHENTICATED', { detail: 'The file that KEYWRIGHT_TOKEN_FILE names holds no access token.', remedy: 'Keep there what `keywright access grant` printed, alone.' });
  return new AgentCore(base, token);
}

class AgentCore implements Core {
  readonly spoolFolder = '';
  readonly #base: URL;
  readonly #token: string;

  constructor(base: URL, token: string) {
    this.#base = base;
    this.#token = token;
  }

  async call(operation: string, input: unknown, options: CallOptions): Promise<unknown> {
    const command = COMMANDS.find(({ id }) => id === operation);
    if (command === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no operation “${operation}”.` });
    const { url, body } = this.#request(command.http, input as Record<string, unknown>);
    const answers = await (options.prompt as CommandPrompter | undefined)?.fromFiles?.() ?? {};
    const response = await fetch(url, {
      method: command.http.method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        Accept: options.progress === undefined ? 'application/json' : 'text/event-stream, application/json',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(Object.keys(answers).length === 0 ? {} : { 'Keywright-Prompt-Answers': Buffer.from(JSON.stringify(answers)).toString('base64url') }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      redirect: 'error',
    }).catch((cause: unknown) => {
      options.signal?.throwIfAborted();
      const why = untrusted(cause);
      if (why !== undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The certificate of ${this.#base.origin} is not trusted (${why}), so that nothing was sent.`, remedy: 'If it is yours, name its issuer, or itself if it is self-signed, in a PEM file by NODE_EXTRA_CA_CERTS; the address must be one that it is for.', cause });
      throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `No agent answers at ${this.#base.origin}.`, remedy: 'Start one with `keywright serve`, or check --agent.', cause });
    });
    if (response.headers.get('content-type')?.startsWith('text/event-stream') === true) return readEvents(response, options);
    const answer = parse(await textOf(response));
    if (!response.ok) throw problemIn(answer, response.status);
    return answer;
  }

  subscribe(): () => void {
    return () => undefined;
  }

  async authenticate(): Promise<Principal> {
    throw new KeywrightError('UNAUTHENTICATED', 'Tokens are checked by the agent that made them.');
  }

  async refuse(): Promise<void> {}

  attachPromptSurface(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** What stands in the path leaves the rest; GET and DELETE put that into the query, the others into the body. */
  #request({ method, path }: { method: string; path: string }, input: Record<string, unknown>): { url: URL; body?: unknown } {
    const rest = { ...input };
    const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
      const value = encodeURIComponent(String(rest[name]));
      delete rest[name];
      return value;
    });
    const url = new URL(this.#base.href.replace(/\/$/, '') + filled);
    if (method !== 'GET' && method !== 'DELETE') return { url, body: rest };
    for (const [name, value] of Object.entries(rest)) {
      for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, typeof one === 'object' ? JSON.stringify(one) : String(one));
    }
    return { url };
  }
}

/** @returns why TLS does not believe who answers there; undefined when it was something else. */
function untrusted(thrown: unknown): string | undefined {
  const { code, message } = ((thrown as Error).cause ?? {}) as NodeJS.ErrnoException;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'it is for another name';
  return code !== undefined && /CERT|SELF_SIGNED|ISSUER|SIGNATURE/.test(code) ? message : undefined;
}

/** Server-sent events: `progress` …, then `result` or `error`. */
async function readEvents(response: Response, options: CallOptions): Promise<unknown> {
  let held = '';
  const decoder = new TextDecoder();
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    held += decoder.decode(piece, { stream: true });
    if (held.length > MOST) break;
    for (let end = held.indexOf('\n\n'); end !== -1; end = held.indexOf('\n\n')) {
      const lines = held.slice(0, end).split('\n');
      held = held.slice(end + 2);
      const name = lines.find((line) => line.startsWith('event:'))?.slice(6).trim();
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n');
      if (name === 'progress') options.progress?.(parse(data));
      if (name === 'result') return parse(data);
      if (name === 'error') throw problemIn(parse(data), 500);
    }
  }
  throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'The agent ended while this was in flight; it may or may not have happened; nothing was repeated.', remedy: 'Look whether it was done, and repeat it if not.' });
}

async function textOf(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > MOST) throw new KeywrightError('INTERNAL', { detail: 'The agent’s answer is longer than 64 MiB.', remedy: 'Ask for less.' });
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: 'What answers there is no agent of Keywright: it does not speak JSON.', remedy: 'Check --agent.' });
  }
}

function problemIn(answer: unknown, status: number): KeywrightError {
  const fields = fieldsOf(answer);
  if (fields !== undefined && isText(fields['code'], 100) && isText(fields['detail'], 10_000)) return fromProblem(fields as unknown as Problem);
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `What answers there is no agent of Keywright (HTTP ${status}).`, remedy: 'Check --agent.' });
}

/** @returns the name of the file with the token. @throws UNAUTHENTICATED */
function tokenFile(environment: Readonly<Record<string, string | undefined>>): string {
  const file = environment['KEYWRIGHT_TOKEN_FILE'];
  if (file !== undefined && file !== '') return file;
  throw new KeywrightError('UNAUTHENTICATED', { detail: 'An agent needs an access token, and KEYWRIGHT_TOKEN_FILE names no file with one.', remedy: 'Make one with `keywright access grant`, keep it in a file of yours (chmod 600), and set KEYWRIGHT_TOKEN_FILE to its name.' });
}
