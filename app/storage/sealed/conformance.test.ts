import { describeStorage } from '../conformance.ts';
import { storageKind, storageKinds } from '../registry.ts';
import type { Storage, StorageKind } from '../storage.ts';
import { create, open } from './testing.ts';

/** A sealed store over each kind of storage is a storage like any other. */
for (const name of storageKinds()) {
  const raw = await storageKind(name);
  describeStorage({
    kind: 'sealed',
    async open(options) {
      const storage = await raw.open(options);
      try {
        return owning(await (options.create ? create(storage) : open(storage)), storage);
      } catch (thrown) {
        await storage[Symbol.asyncDispose]();
        throw thrown;
      }
    },
  } satisfies StorageKind);
}

/** A sealed store that closes the storage under it. */
function owning(sealed: Storage, raw: Storage): Storage {
  return {
    kind: sealed.kind,
    log: sealed.log,
    get: (key) => sealed.get(key),
    list: (prefix, page) => sealed.list(prefix, page),
    put: (key, value, options) => sealed.put(key, value, options),
    delete: (key, options) => sealed.delete(key, options),
    transaction: (work) => sealed.transaction(work),
    async [Symbol.asyncDispose]() {
      await sealed[Symbol.asyncDispose]();
      await raw[Symbol.asyncDispose]();
    },
  };
}
