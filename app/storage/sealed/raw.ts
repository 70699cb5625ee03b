import { KeywrightError } from '../../contract/index.ts';
import type { ListedRecord, Page, StorageReader, StoredRecord } from '../storage.ts';

/** Everything in the raw storage under `prefix`, ascending. The next page is on its way while the last one is looked at. */
export async function* listRaw(raw: StorageReader, prefix: string): AsyncGenerator<readonly ListedRecord[]> {
  let coming: Promise<Page<ListedRecord>> | undefined = raw.list(prefix, { limit: PAGE });
  while (coming !== undefined) {
    const { items, cursor }: Page<ListedRecord> = await coming;
    coming = cursor === undefined ? undefined : raw.list(prefix, { limit: PAGE, cursor });
    coming?.catch(() => undefined); // told when it is awaited; nobody may ever do so
    yield items;
  }
}

const PAGE = 10_000;

/** @returns the raw record; undefined when it is missing, `damaged` when the raw storage itself cannot read it. */
export async function readRaw(raw: StorageReader, key: string): Promise<StoredRecord | undefined | 'damaged'> {
  try {
    return await raw.get(key);
  } catch (thrown) {
    if (thrown instanceof KeywrightError && thrown.code === 'CORRUPT_RECORD') return 'damaged';
    throw thrown;
  }
}

/** Calls `work` for each item, `width` at a time; results in the items' order. */
export async function inBatches<T, R>(items: readonly T[], width: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += width) results.push(...(await Promise.all(items.slice(at, at + width).map(work))));
  return results;
}
