import { KeywrightError } from '../../../../contract/index.ts';
import type { TestGroup, TestVector, VectorFile } from './corpus.ts';

/** What one file came to. */
export interface Tally {
  readonly name: string;
  readonly passed: number;
  /** Why tests were left out, and how many for each reason. */
  readonly leftOut: ReadonlyMap<string, number>;
  readonly failed: readonly string[];
}

/** A whole group or a test that we do not offer. */
export class LeftOut {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

/**
 * What our code made of a test: the bytes it gave, whether a check held, or that it refused. `same` compares bytes where
 * the vector has an expectation.
 */
export type Verdict = 'right' | 'wrong' | 'refused' | LeftOut;

/** How the tests of one type run: `prepare` once a group, then each test. */
export type Runner = (group: TestGroup, file: VectorFile) => Promise<LeftOut | ((test: TestVector) => Promise<Verdict>)>;

export async function run(file: VectorFile, runner: Runner): Promise<Tally> {
  let passed = 0;
  const leftOut = new Map<string, number>();
  const failed: string[] = [];
  const leave = ({ reason }: LeftOut, count: number): void => void leftOut.set(reason, (leftOut.get(reason) ?? 0) + count);
  for (const group of file.testGroups) {
    const prepared = await runner(group, file);
    if (prepared instanceof LeftOut) {
      leave(prepared, group.tests.length);
      continue;
    }
    for (const test of group.tests) {
      const verdict = await refusing(() => prepared(test));
      if (verdict instanceof LeftOut) leave(verdict, 1);
      else if (isRight(test, verdict)) passed++;
      else failed.push(`${test.tcId} (${test.comment ?? ''}; ${(test.flags ?? []).join(' ')}): ${test.result}, but ${verdict}`);
    }
  }
  return { name: file.name, passed, leftOut, failed };
}

function isRight({ result }: TestVector, verdict: Exclude<Verdict, LeftOut>): boolean {
  // Acceptable: may be refused, but if it is not, it must be right.
  return result === 'valid' ? verdict === 'right' : result === 'invalid' ? verdict !== 'right' : verdict !== 'wrong';
}

/** Only our own errors are refusals: anything else is a fault. */
async function refusing(work: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof KeywrightError && (thrown.code === 'INVALID_INPUT' || thrown.code === 'CAPABILITY_MISSING')) return 'refused';
    throw thrown;
  }
}

export const same = (found: Uint8Array, expected: Uint8Array): Verdict => (Buffer.from(found).equals(expected) ? 'right' : 'wrong');
