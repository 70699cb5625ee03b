import { PinLedger } from '../../../e2e/devices/pin-ledger.ts';
import { KeywrightError, type ErrorCode, type PromptRequest } from '../../contract/index.ts';
import type { Storage, StorageTransaction } from '../../storage/storage.ts';
import type { KeyCall } from '../keystore.ts';

/** Calls as the dispatcher would make them, for tests of key stores. */

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** What the person types; without it nobody can be asked. */
  readonly answer?: (request: PromptRequest) => string;
  /** Writes go here instead of committing at once. */
  readonly unit?: StorageTransaction;
}

/** @returns a call of its own, whose writes commit one by one unless a unit is given. */
export function callFor(storage: Storage, { signal = new AbortController().signal, answer, unit }: CallOptions = {}): KeyCall {
  return {
    id: 'test',
    principal: { id: 'owner', name: 'test', face: 'cli', permissions: new Set() },
    signal,
    prompt: {
      interactive: answer !== undefined,
      async ask(request) {
        if (answer === undefined) throw new KeywrightError('PIN_REQUIRED', 'Nobody can be asked here.');
        const secret = answer(request);
        PinLedger.typed(secret);
        return { kind: 'secret', secret };
      },
    },
    progress: () => undefined,
    discarded: () => undefined,
    // An object of its own for each call, as the dispatcher's unit of work is.
    unit: unit ?? { get: (key) => storage.get(key), list: (prefix, page) => storage.list(prefix, page), put: (...args) => storage.put(...args), delete: (...args) => storage.delete(...args) },
  };
}

/** @returns the error that `work` ends with. Fails when it succeeds, or with something that is not ours. */
export async function refusalOf(work: Promise<unknown>): Promise<KeywrightError> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown;
    throw new Error('It failed with something that is not a KeywrightError.', { cause: thrown });
  }
  throw new Error('It was expected to be refused, and succeeded.');
}

/** @returns the code that `work` is refused with, or `accepted`. */
export async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'accepted'> {
  try {
    await work;
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return thrown.code;
    throw thrown;
  }
}
