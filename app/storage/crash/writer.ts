/**
 * node writer.ts KIND FOLDER COUNT [REOPEN | die] — writes on from where the storage stands, and tells on its standard output
 * what was acknowledged, a line each, before it goes on: `log 17` after an append, `17` after a transaction, `flushed 17`
 * after a flush of the log. A test kills it meanwhile, or traces it. Closes and opens again after REOPEN writes; or dies
 * when they are made, in the middle of one more.
 */
import type { Storage } from '../storage.ts';
import { openForTest, type DiskKind } from './open-for-test.ts';
import { say } from './say.ts';
import { groupOf, newestLogged, newestWrite, write } from './writes.ts';

const [kind, folder, count, then] = process.argv.slice(2);
/** For a trace, log files that are finished every few entries; and what is there when it opens counts from now on, whoever made it. */
const open = async (): Promise<Storage> => {
  if (then === undefined) return openForTest(kind as DiskKind, folder!);
  const storage = await openForTest(kind as DiskKind, folder!, { segmentBytes: 100 });
  const logged = await newestLogged(storage);
  say(`log ${logged}`);
  say(`flushed ${logged}`);
  say(String(await newestWrite(storage)));
  return storage;
};
let storage = await open();
const first = (await newestWrite(storage)) + 1;
say('open');
for (let number = first; number < first + Number(count); number++) {
  // Every other entry stands for several: they must be there together or not at all.
  await storage.log.appendGroup!(Buffer.from(String(number)), groupOf(number));
  say(`log ${number}`);
  if (number % 4 === 1) {
    await storage.log.flush();
    say(`flushed ${number}`);
  }
  await storage.transaction((tx) => write(tx, number));
  say(String(number));
  if (number === first + Number(then) - 1) {
    await storage[Symbol.asyncDispose]();
    storage = await open();
  }
}
if (then === 'die') {
  const number = first + Number(count);
  void storage.log.appendGroup!(Buffer.from(String(number)), groupOf(number));
  void storage.transaction((tx) => write(tx, number));
  setImmediate(() => process.kill(process.pid, 'SIGKILL'));
}
await storage[Symbol.asyncDispose]();
say('closed');
