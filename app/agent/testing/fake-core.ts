import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KeywrightError, PERMISSIONS, type CallOptions, type Core, type CoreEvent, type Permission, type Refusal } from '../../contract/index.ts';

export const TOKEN = `kw_abcdefgh_${'a'.repeat(43)}`;

/** A core that answers what a test tells it to, and remembers what it was asked: for what a face does before and after a call. */
export interface FakeCore extends Core {
  readonly calls: { operation: string; input: unknown; options: CallOptions }[];
  readonly refusals: Refusal[];
  readonly authentications: string[];
  surfaces: number;
  /** How calls are answered. */
  answer: (operation: string, input: unknown, options: CallOptions) => unknown;
  permissions: readonly Permission[];
  /** When the token ends, in milliseconds. */
  expiresAt: number | undefined;
  locked: boolean;
  emit(event: CoreEvent): void;
}

export function fakeCore(): FakeCore {
  const listeners = new Set<(event: CoreEvent) => void>();
  const core: FakeCore = {
    calls: [], refusals: [], authentications: [], surfaces: 0, locked: false, permissions: PERMISSIONS, expiresAt: undefined,
    answer: () => ({}),
    spoolFolder: mkdtempSync(join(tmpdir(), 'keywright-spool-')),
    async call(operation, input, options) {
      core.calls.push({ operation, input, options });
      return core.answer(operation, input, options);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    emit: (event) => listeners.forEach((listener) => listener(event)),
    async authenticate(token, face) {
      core.authentications.push(token);
      if (core.locked) throw new KeywrightError('STORE_LOCKED', 'The store is locked.');
      if (token !== TOKEN) throw new KeywrightError('UNAUTHENTICATED', 'This access token is not valid: unknown, revoked or expired.');
      return { id: 'token:abcdefgh', name: 'ci', face, permissions: new Set(core.permissions), ...(core.expiresAt === undefined ? {} : { expiresAt: core.expiresAt }) };
    },
    async refuse(refusal) {
      core.refusals.push(refusal);
    },
    attachPromptSurface() {
      core.surfaces += 1;
      return { [Symbol.dispose]: () => void (core.surfaces -= 1) };
    },
    async [Symbol.asyncDispose]() {},
  };
  return core;
}
