import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { SecretBytes } from '../app/contract/index.ts';
import { storageKind } from '../app/storage/registry.ts';
import { createSealed } from '../app/storage/sealed/index.ts';
import { temporaryFolder } from './core.ts';
import { compare, median, seconds, type Ratio } from './measure.ts';

const RECORD = 400;
const WRITES = 100;

/** A new key record, durable, against writing and fsyncing as many bytes into a file of the same folder. Both as medians of single writes. */
export async function* storageBenchmarks(): AsyncGenerator<Ratio> {
  for (const kind of ['sqlite', 'file']) {
    await using folder = await temporaryFolder();
    await using raw = await (await storageKind(kind)).open({ folder: folder.path, create: true });
    using passphrase = SecretBytes.fromText('benchmark pass phrase');
    await using sealed = await createSealed(raw, { name: 'bench', passphrase });
    const value = randomBytes(RECORD);
    await using file = await open(join(folder.path, 'raw'), 'w');
    let count = 0;
    yield await compare(`durable write of a new record, ${kind}`, 'seconds', { most: 2 },
      () => medianOf(async () => {
        await file.write(value);
        await file.sync();
      }),
      () => medianOf(() => sealed.put(`keys/${(count += 1)}`, value, { ifRevision: 'absent' })));
  }
}

async function medianOf(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < WRITES; index += 1) times.push(await seconds(work));
  return median(times);
}
