import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../../../../scripts/paths.ts';
import { vectorFiles, WYCHEPROOF } from './corpus.ts';
import { PARTS, planFor, type Part } from './plan.ts';
import { REPORT, rowOf, tallyOf } from './report.ts';

const NOT_HERE = 'the Wycheproof corpus is not here (KEYWRIGHT_CORPORA)';

/** @returns the rows of docs/wycheproof.md by name of file. */
function rows(): Map<string, string> {
  const lines = readFileSync(join(ROOT, REPORT), 'utf8').split('\n').filter((line) => /^\| [a-z0-9]\w*_/i.test(line) || /^\| (ed|x)\d/.test(line));
  return new Map(lines.map((line) => [line.split('|')[1]!.trim(), line]));
}

/** Runs one part of the vectors and compares with the documented table. */
export function describeWycheproof(part: Part): void {
  if (WYCHEPROOF === undefined) {
    test.skip(`Wycheproof ${part}: skipped, since ${NOT_HERE}`);
    return;
  }
  const folder = WYCHEPROOF;
  const documented = rows();
  describe(`Wycheproof ${part}`, () => {
    for (const name of vectorFiles(folder).filter((candidate) => planFor(part, candidate) !== undefined)) {
      test(`${name} comes out as docs/wycheproof.md says`, async () => {
        const tally = await tallyOf(folder, part, name);
        expect(tally.failed).toEqual([]);
        expect(rowOf(tally)).toBe(documented.get(name));
      });
    }
  });
}

/** Nothing of the corpus is passed over, and nothing is documented that is not there. */
export function describeCompleteness(): void {
  test.skipIf(WYCHEPROOF === undefined)(`every file of the Wycheproof corpus has one plan and one row${WYCHEPROOF === undefined ? `: skipped, since ${NOT_HERE}` : ''}`, () => {
    const files = vectorFiles(WYCHEPROOF as string);
    for (const name of files) expect.soft(PARTS.filter((part) => planFor(part, name) !== undefined), name).toHaveLength(1);
    expect([...rows().keys()].toSorted()).toEqual(files.toSorted());
  });
}
