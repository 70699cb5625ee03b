/**
 * node writer.ts KIND FOLDER COUNT — writes on from where the storage stands, and tells on its standard output what was
 * acknowledged, a line each, before it goes on: `log 17` after an append, `17` after a transaction. A test kills it meanwhile.
 */
import { writeSync } from 'node:fs';
import { openForTest, type DiskKind } from './open-for-test.ts';
import { newestWrite, write } from './writes.ts';

const [kind, folder, count] = process.argv.slice(2);
const storage = await openForTest(kind as DiskKind, folder!);
const first = (await newestWrite(storage)) + 1;
writeSync(1, 'open\n');
for (let number = first; number < first + Number(count); number++) {
  await storage.log.append(Buffer.from(String(number)));
  writeSync(1, `log ${number}\n`);
  await storage.transaction((tx) => write(tx, number));
  writeSync(1, `${number}\n`);
}
await storage[Symbol.asyncDispose]();
writeSync(1, 'closed\n');
