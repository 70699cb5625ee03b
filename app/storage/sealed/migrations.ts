import { KeywrightError } from '../../contract/index.ts';
import type { Storage, StorageTransaction } from '../storage.ts';
import { encodeHeader, FORMAT_VERSION, HEADER_KEY, type ParsedHeader } from './header.ts';
import { Journal } from './journal.ts';
import type { KeyRing } from './keys.ts';
import { loadIndex } from './load-index.ts';

/** A step from one format version to the next. All steps and the new header commit together. */
export interface Migration {
  readonly from: number;
  /** What it changes, for the log and for `docs/store-format.md`. */
  readonly summary: string;
  run(tx: StorageTransaction, keys: KeyRing): Promise<void>;
}

/** From the oldest format that can be opened to {@link FORMAT_VERSION}. Format 1 is the first that was ever released. */
export const MIGRATIONS: readonly Migration[] = [
  { from: 1, summary: 'Entries of the log may be sealed several together. Those of before stay as they are, and are read as they are.', run: async () => undefined },
];

/**
 * Brings the store to `target`. @returns the header as it now is.
 * @throws CORRUPT_RECORD when there is no way from its version; whatever the storage throws: then nothing has changed.
 */
export async function migrate(raw: Storage, keys: KeyRing, parsed: ParsedHeader, migrations = MIGRATIONS, target = FORMAT_VERSION): Promise<ParsedHeader> {
  const { header } = parsed;
  if (header.formatVersion === target) return parsed;
  const steps: Migration[] = [];
  for (let version = header.formatVersion; version < target; version++) {
    const step = migrations.find(({ from }) => from === version);
    if (step === undefined) {
      throw new KeywrightError('CORRUPT_RECORD', { detail: `The store has format ${header.formatVersion}, which no version of Keywright ever wrote.`, where: 'header' });
    }
    steps.push(step);
  }
  const migrated = { ...header, formatVersion: target };
  const { value, mac, text } = encodeHeader(keys, migrated);
  await raw.transaction(async (tx) => {
    for (const step of steps) await step.run(tx, keys);
    await tx.put(HEADER_KEY, value, { ifRevision: 'any' });
    const index = await loadIndex(tx, keys);
    // The index comes to know the new header, unless the old one was not the one it knew: that must still be told.
    if (index.headerMac?.equals(parsed.mac) === true) await new Journal(raw, keys, index, mac).write(tx, [], index.log);
  });
  return { header: migrated, text, mac };
}
