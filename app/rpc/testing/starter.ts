/**
 * A program of its own, for tests of ownership: `starter.ts DATA_DIR KIND [STAY_MS] [DRAIN]`. Owns the store or uses its owner; prints
 * what became of it as a line of JSON; stays for a while.
 */
import { ownOrUse } from '../owner.ts';
import { fakeCore, SOMEBODY } from './fake-core.ts';

const [dataDir = '', kind = 'serve', stay = '0'] = process.argv.slice(2);
const opened: number[] = [];
const held = await ownOrUse({
  dataDir, kind: kind as 'serve', version: '0',
  open: async () => {
    opened.push(Date.now());
    return fakeCore();
  },
});
const owner = await held.core.call('pid', {}, { principal: SOMEBODY });
process.stdout.write(`${JSON.stringify({ role: held.owner === undefined ? 'client' : 'owner', pid: process.pid, owner, opened: opened.length })}\n`);
await new Promise((resolve) => setTimeout(resolve, Number(stay)));
if (held.owner === undefined) await held.core[Symbol.asyncDispose]();
else await held.owner.close();
process.exit(0);
