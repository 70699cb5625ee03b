import { ERRORS, KeywrightError, type ErrorCode } from '../contract/index.ts';
import type { AppendLog, Storage, StorageKind, StorageTransaction } from './storage.ts';

/**
 * A kind that a module from outside brings. It cannot throw our errors, since it does not know them: an error of its own
 * that has one of our codes as `code` becomes that error here, with `where` and `remedy` if it has them.
 */
export function externalKind(kind: StorageKind): StorageKind {
  return {
    kind: kind.kind,
    open: (options) => translated(async () => externalStorage(kind.kind, await kind.open(options))),
  };
}

function externalStorage(kind: string, storage: Storage): Storage {
  const check = storage.check?.bind(storage);
  return {
    kind,
    ...transactional(storage),
    log: externalLog(storage.log),
    transaction: (work) => translated(() => storage.transaction((tx) => work(transactional(tx)))),
    ...(check === undefined ? {} : { check: () => translated(async () => (await check()).map(keywrightError)) }),
    [Symbol.asyncDispose]: () => translated(async () => storage[Symbol.asyncDispose]()),
  };
}

function transactional(storage: StorageTransaction): StorageTransaction {
  return {
    get: (key) => translated(() => storage.get(key)),
    list: (prefix, page) => translated(() => storage.list(prefix, page)),
    put: (key, value, options) => translated(() => storage.put(key, value, options)),
    delete: (key, options) => translated(() => storage.delete(key, options)),
  };
}

function externalLog(log: AppendLog): AppendLog {
  const appendGroup = log.appendGroup?.bind(log);
  return {
    append: (entry) => translated(() => log.append(entry)),
    ...(appendGroup === undefined ? {} : { appendGroup: (group: Uint8Array, count: number) => translated(() => appendGroup(group, count)) }),
    flush: () => translated(() => log.flush()),
    read: (from, limit) => translated(() => log.read(from, limit)),
    last: () => translated(() => log.last()),
  };
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    // What is not the module's (what `work` threw in a transaction, say) passes as it is.
    throw isCoded(thrown) ? keywrightError(thrown) : thrown;
  }
}

interface Coded extends Error {
  readonly code: ErrorCode;
  readonly where?: unknown;
  readonly remedy?: unknown;
}

function isCoded(thrown: unknown): thrown is Coded {
  return thrown instanceof Error && !(thrown instanceof KeywrightError) && typeof (thrown as Partial<Coded>).code === 'string' && (thrown as Coded).code in ERRORS;
}

function keywrightError(thrown: unknown): KeywrightError {
  if (thrown instanceof KeywrightError) return thrown;
  if (!isCoded(thrown)) return new KeywrightError('INTERNAL', { detail: 'The storage module failed.', cause: thrown });
  return new KeywrightError(thrown.code, {
    detail: thrown.message,
    ...(typeof thrown.where === 'string' ? { where: thrown.where } : {}),
    ...(typeof thrown.remedy === 'string' ? { remedy: thrown.remedy } : {}),
    cause: thrown,
  });
}
