/**
 * node writer.ts KIND FOLDER COUNT [REOPEN] — writes on from where the storage stands, and tells on its standard output
 * what was acknowledged, a line each, before it goes on: `log 17` after an append, `17` after a transaction, `flushed 17`
 * after a flush of the log. A test kills it meanwhile, or traces it. Closes and opens again after REOPEN writes.
 */
import { writeSync } from 'node:fs';
import { openForTest, type DiskKind } from './open-for-test.ts';
import { groupOf, newestWrite, write } from './writes.ts';

const [kind, folder, count, reopen] = process.argv.slice(2);
const say = (line: string) => void writeSync(1, `${line}\n`);
let storage = await openForTest(kind as DiskKind, folder!);
const first = (await newestWrite(storage)) + 1;
say('open');
for (let number = first; number < first + Number(count); number++) {
  // Every other entry stands for several: they must be there together or not at all.
  await storage.log.appendGroup!(Buffer.from(String(number)), groupOf(number));
  say(`log ${number}`);
  await storage.transaction((tx) => write(tx, number));
  say(String(number));
  if (number % 4 === 0) {
    await storage.log.flush();
    say(`flushed ${number}`);
  }
  if (number === first + Number(reopen) - 1) {
    await storage[Symbol.asyncDispose]();
    storage = await openForTest(kind as DiskKind, folder!);
  }
}
await storage[Symbol.asyncDispose]();
say('closed');
