/** `node scripts/wycheproof.ts`: runs all Wycheproof vectors and writes docs/wycheproof.md. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WYCHEPROOF, vectorFiles } from '../app/backends/software/testing/wycheproof/corpus.ts';
import { PARTS, planFor } from '../app/backends/software/testing/wycheproof/plan.ts';
import { REPORT, reportOf, rowOf, tallyOf } from '../app/backends/software/testing/wycheproof/report.ts';
import type { Tally } from '../app/backends/software/testing/wycheproof/tally.ts';
import { ROOT } from './paths.ts';

if (WYCHEPROOF === undefined) {
  console.error('The Wycheproof corpus is not here: set KEYWRIGHT_CORPORA.');
  process.exit(1);
}
const tallies: Tally[] = [];
for (const name of vectorFiles(WYCHEPROOF)) {
  const part = PARTS.find((candidate) => planFor(candidate, name) !== undefined);
  if (part === undefined) throw new Error(`${name} is not in the plan.`);
  const before = performance.now();
  const tally = await tallyOf(WYCHEPROOF, part, name);
  console.log(rowOf(tally), `${Math.round(performance.now() - before)} ms`);
  for (const failure of tally.failed) console.log(`  failed ${failure}`);
  tallies.push(tally);
}
if (tallies.some(({ failed }) => failed.length > 0)) process.exit(1);
writeFileSync(join(ROOT, REPORT), reportOf(tallies));
