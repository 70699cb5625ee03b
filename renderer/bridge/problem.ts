import type { ErrorCode, Problem } from '../../app/contract/index.ts';
import { ERROR_CODES } from './operations.generated.ts';

/** What a call rejects with: the core's problem record (RFC 9457), or one made here when the core could not be reached. */
export class ProblemError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ProblemError';
    this.problem = problem;
  }

  get code(): ErrorCode {
    return this.problem.code;
  }
}

export function makeProblem(code: ErrorCode, detail: string, remedy?: string): Problem {
  return { type: `urn:keywright:error:${code.toLowerCase().replaceAll('_', '-')}`, title: detail, status: 0, code, detail, ...(remedy === undefined ? {} : { remedy }) };
}

/** @returns the problem in an answer's body, or one that says which status came instead. */
export function problemFrom(body: unknown, fallback: string): Problem {
  if (typeof body === 'object' && body !== null && 'code' in body && 'detail' in body && (ERROR_CODES as readonly unknown[]).includes(body.code)) return body as Problem;
  return makeProblem('INTERNAL', fallback);
}

/** @returns the problem that a thrown value stands for. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof ProblemError) return thrown.problem;
  if (thrown instanceof DOMException && thrown.name === 'AbortError') return makeProblem('CANCELLED', 'The call was cancelled.');
  return makeProblem('INTERNAL', thrown instanceof Error ? thrown.message : String(thrown));
}

/** Whether nothing went wrong: a person changed their mind. */
export function isCancelled(thrown: unknown): boolean {
  return asProblem(thrown).code === 'CANCELLED';
}
