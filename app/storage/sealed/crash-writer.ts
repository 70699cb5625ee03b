import { say } from '../crash/say.ts';
import { storageKind } from '../registry.ts';
import { bytes, open } from './testing.ts';

/** Run by `crash.test.ts` to be killed: writes, and says on standard output what was acknowledged. */
const [kind = '', folder = '', from = '0'] = process.argv.slice(2);
const raw = await (await storageKind(kind)).open({ folder, create: false });
const store = await open(raw);
for (let count = Number(from); ; count++) {
  const put = store.transaction(async (tx) => {
    await tx.put(`keys/${count % 500}`, bytes(String(count)), { ifRevision: 'any', summary: { count } });
    await tx.put('newest', bytes(String(count)), { ifRevision: 'any' });
  });
  // Those that come together are sealed together.
  await Promise.all(Array.from({ length: 1 + (count % 5) }, async (_, index) => {
    const number = await store.log.append(bytes(`entry ${count}.${index}`));
    say(`log ${number} ${count}.${index}`);
  }));
  await put;
  say(`put ${count}`);
}
