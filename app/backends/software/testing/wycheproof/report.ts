import { readVectors } from './corpus.ts';
import { planFor, type Part } from './plan.ts';
import { LeftOut, run, type Tally } from './tally.ts';

/** The table of results, as docs/wycheproof.md holds it. */

export const REPORT = 'docs/wycheproof.md';

/** Runs one file of the corpus through our code. */
export async function tallyOf(folder: string, part: Part, name: string): Promise<Tally> {
  const file = readVectors(folder, name);
  const plan = planFor(part, name);
  if (plan === undefined) throw new Error(`${name} is not in the plan.`);
  if (plan instanceof LeftOut) return { name, passed: 0, leftOut: new Map([[plan.reason, file.numberOfTests]]), failed: [] };
  return run(file, plan);
}

/** @returns the row of a file: its name, how many passed, how many were left out, and why. */
export function rowOf({ name, passed, leftOut }: Tally): string {
  const reasons = [...leftOut].map(([reason, count]) => (leftOut.size === 1 ? reason : `${count}: ${reason}`)).join('; ');
  const count = [...leftOut.values()].reduce((sum, each) => sum + each, 0);
  return `| ${name} | ${passed} | ${count === 0 ? '' : count} | ${reasons} |`;
}

export function reportOf(tallies: readonly Tally[]): string {
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const leftOut = tallies.reduce((sum, tally) => sum + [...tally.leftOut.values()].reduce((all, each) => all + each, 0), 0);
  return `${[
    '# Wycheproof vectors',
    '',
    'Every file of test vectors of C2SP/wycheproof that we have, run through our own code: the key is imported into a software',
    'key store (or its public key is read), and the facet acts. *Passed*: a valid one gave what it must, an invalid one was',
    'refused, an acceptable one was either. Regenerate with `node scripts/wycheproof.ts`; the tests compare each row.',
    '',
    `${passed} passed, none failed, ${leftOut} left out, in ${tallies.length} files.`,
    '',
    '| file | passed | left out | why |',
    '| --- | ---: | ---: | --- |',
    ...tallies.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(rowOf),
  ].join('\n')}\n`;
}
