import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PERMISSIONS, type Face, type Permission, type Principal, type PromptAnswer, type Prompter, type PromptPurpose } from '../../contract/index.ts';
import type { z } from 'zod';
import { openCore, type LocalCore } from '../../index.ts';
import type { BackendManifest } from '../../keystore/registry.ts';
import { CHEAP } from '../../storage/sealed/testing.ts';
import type { Config, ConfigValue, CoreKind } from '../index.ts';

/** For tests: a whole core over real storage in a temporary folder, and somebody to call it. */

export const PASSPHRASE = 'correct horse battery staple 42';

export function somebody(permissions: readonly Permission[] = PERMISSIONS, face: Face = 'cli'): Principal {
  return { id: 'tester', name: 'a test', face, permissions: new Set(permissions) };
}

const DEFAULTS: Record<string, ConfigValue> = {
  'store.idleLockMinutes': 15, 'store.kind': 'sqlite', 'storage.modules': '', 'audit.durability': 'grouped', 'trash.days': 30, 'tokens.keepPinMinutes': 15, 'prompts.waitMinutes': 5,
};

function configOf(changes: Record<string, ConfigValue> = {}): Config {
  const values = { ...DEFAULTS, ...changes };
  return {
    get: (key) => values[key] ?? null,
    explain: () => Object.entries(values).map(([key, value]) => ({ key, value, origin: 'default' as const, source: null, summary: key, restart: false })),
    async set(key, value) {
      values[key] = value;
      return { key, value, origin: 'file', source: null, summary: key, restart: false };
    },
    validate: async () => ({ ok: true, problems: [] }),
  };
}

export type Answers = Partial<Record<z.output<typeof PromptPurpose>, string | true>>;

/** Answers prompts by purpose: a text for secrets, `true` to confirm (typing what is asked for), nothing: nobody is there. */
export function answering(answers: Answers, asked: string[] = []): Prompter {
  return {
    interactive: true,
    async ask(request): Promise<PromptAnswer> {
      asked.push(request.purpose);
      const answer = answers[request.purpose];
      if (answer === undefined) throw Object.assign(new Error(`nobody answers ${request.purpose}`), { name: 'AbortError' });
      if (request.kind === 'confirm') return { kind: 'confirmed', ...(request.typed === undefined ? {} : { typed: request.typed }) };
      return answer === true ? { kind: 'confirmed' } : { kind: 'secret', secret: answer };
    },
  };
}

export interface TestCore extends AsyncDisposable {
  readonly core: LocalCore;
  readonly folder: string;
  /** Calls as somebody with all permissions who knows the passphrase. */
  call<T = Record<string, never>>(operation: string, input?: unknown, answers?: Answers, options?: { principal?: Principal; signal?: AbortSignal; progress?: (event: unknown) => void }): Promise<T>;
}

/** @param options.created also creates and so unlocks a store. */
export async function openTestCore(options: { created?: boolean; kind?: string; folder?: string; config?: Record<string, ConfigValue>; backends?: readonly BackendManifest[]; as?: CoreKind } = {}): Promise<TestCore> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'keywright-test-')));
  const core = await openCore({ dataDir: folder, config: configOf(options.config), kind: options.as ?? 'cli', passphraseCost: CHEAP, ...(options.backends === undefined ? {} : { moreBackends: options.backends }) });
  const call: TestCore['call'] = (operation, input = {}, answers = {}, { principal = somebody(), signal, progress } = {}) =>
    core.call(operation, input, {
      principal, prompt: answering({ 'new-store-passphrase': PASSPHRASE, 'store-passphrase': PASSPHRASE, confirm: true, ...answers }),
      ...(signal === undefined ? {} : { signal }), ...(progress === undefined ? {} : { progress }),
    }) as never;
  if (options.created !== false && options.folder === undefined) await call('store.create', { kind: options.kind ?? 'memory' });
  return {
    core, folder, call,
    async [Symbol.asyncDispose]() {
      await core[Symbol.asyncDispose]();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
