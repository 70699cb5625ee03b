/** `node scripts/formats-table.ts`: has every file of the corpora inspected, and writes docs/formats-files.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDERS, REPORT, reportOf, toldOf, type Told } from '../app/keychain/inspector/testing/corpora.ts';
import { corporaFolder } from './corpora.ts';
import { ROOT } from './paths.ts';

if (corporaFolder() === undefined) {
  console.error('The corpora are not here: set KEYWRIGHT_CORPORA.');
  process.exit(1);
}
const all = new Map<string, Told[]>();
for (const name of FOLDERS) all.set(name, await toldOf(name));
writeFileSync(join(ROOT, REPORT), reportOf(all));
console.log(REPORT);
