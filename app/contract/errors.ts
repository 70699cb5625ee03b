/**
 * The one table of errors: each code with its title, HTTP status (RFC 9110 §15), gRPC status code and process exit
 * code. Faces translate by this table and by nothing else.
 */
export const ERRORS = {
  INVALID_INPUT: { title: 'The input is not valid', http: 400, grpc: 3, exit: 2 },
  NOT_FOUND: { title: 'Not found', http: 404, grpc: 5, exit: 4 },
  ALREADY_EXISTS: { title: 'It exists already', http: 409, grpc: 6, exit: 8 },
  CONFLICT: { title: 'Somebody else changed it meanwhile', http: 409, grpc: 10, exit: 8 },
  UNAUTHENTICATED: { title: 'Not authenticated', http: 401, grpc: 16, exit: 5 },
  PERMISSION_DENIED: { title: 'Not permitted', http: 403, grpc: 7, exit: 5 },
  STORE_LOCKED: { title: 'The store is locked', http: 423, grpc: 9, exit: 6 },
  PIN_REQUIRED: { title: 'A PIN or passphrase is needed', http: 428, grpc: 9, exit: 6 },
  PIN_INCORRECT: { title: 'The PIN or passphrase is wrong', http: 403, grpc: 7, exit: 6 },
  PIN_BLOCKED: { title: 'The PIN is blocked', http: 403, grpc: 9, exit: 6 },
  TOUCH_TIMEOUT: { title: 'The token was not touched in time', http: 408, grpc: 4, exit: 9 },
  TOKEN_REMOVED: { title: 'The token was removed', http: 503, grpc: 14, exit: 7 },
  CAPABILITY_MISSING: { title: 'This key or backend cannot do that', http: 422, grpc: 12, exit: 10 },
  BACKEND_UNAVAILABLE: { title: 'The backend is not available', http: 503, grpc: 14, exit: 7 },
  RATE_LIMITED: { title: 'Too many requests', http: 429, grpc: 8, exit: 5 },
  CANCELLED: { title: 'Cancelled', http: 499, grpc: 1, exit: 9 },
  TIMEOUT: { title: 'It took too long', http: 504, grpc: 4, exit: 9 },
  CORRUPT_RECORD: { title: 'A record is damaged', http: 500, grpc: 15, exit: 1 },
  STORAGE_FULL: { title: 'No space left', http: 507, grpc: 8, exit: 1 },
  STORAGE_READ_ONLY: { title: 'The storage cannot be written', http: 503, grpc: 9, exit: 1 },
  STORE_TOO_NEW: { title: 'The store was written by a newer version', http: 409, grpc: 9, exit: 1 },
  INTERNAL: { title: 'An internal fault', http: 500, grpc: 13, exit: 1 },
} as const satisfies Record<string, { title: string; http: number; grpc: number; exit: number }>;

export type ErrorCode = keyof typeof ERRORS;

/** Exit code of a check that says no (`files verify`, `audit verify` …): an answer, not an error. */
export const EXIT_CHECK_FAILED = 3;

/** What an error tells. All of it may be shown to whoever asked: never put a secret or a stack trace here. */
export interface ErrorFacts {
  /** What failed and why, as one or two sentences. */
  detail: string;
  /** Which of the known reasons (`reasons.ts`) it is, and what is filled in there: for faces that speak another language. */
  reason?: string;
  values?: Readonly<Record<string, string | number>>;
  /** What to do next. */
  remedy?: string;
  /** Names that would have worked: algorithms, formats, key URIs. */
  alternatives?: readonly string[];
  /** PIN_INCORRECT: tries that are left. */
  triesLeft?: number;
  /** INVALID_INPUT: where, as a JSON pointer into the input or `offset 123` in a file. CORRUPT_RECORD: the record. */
  where?: string;
  /** RATE_LIMITED, TIMEOUT: seconds after which to try again. */
  retryAfter?: number;
  /** Logged, never sent. */
  cause?: unknown;
}

/** The one error that crosses a boundary between folders, processes or faces. */
export class KeywrightError extends Error {
  readonly code: ErrorCode;
  readonly facts: Omit<ErrorFacts, 'cause'>;

  constructor(code: ErrorCode, facts: ErrorFacts | string) {
    const { cause, ...told } = typeof facts === 'string' ? { detail: facts } : (facts as ErrorFacts);
    super(told.detail, cause === undefined ? undefined : { cause });
    this.name = 'KeywrightError';
    this.code = code;
    this.facts = told;
  }
}

/** An error as it is sent (RFC 9457 §3.1, with our members). */
export interface Problem extends Omit<ErrorFacts, 'cause'> {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  /** The request that failed, to find it in logs and audit. */
  instance?: string;
}

/** @returns the RFC 9457 record of any thrown value; what is not ours becomes INTERNAL and tells nothing of itself. */
export function toProblem(thrown: unknown, requestId?: string): Problem {
  const error = asKeywrightError(thrown);
  const { title, http } = ERRORS[error.code];
  return {
    type: `urn:keywright:error:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status: http,
    code: error.code,
    ...error.facts,
    ...(requestId === undefined ? {} : { instance: `urn:keywright:request:${requestId}` }),
  };
}

/** @returns the error that a {@link Problem} from another process stands for. An unknown code becomes INTERNAL. */
export function fromProblem(problem: Problem): KeywrightError {
  const { type: _type, title: _title, status: _status, instance: _instance, code, ...facts } = problem;
  return new KeywrightError(code in ERRORS ? code : 'INTERNAL', facts);
}

/** @returns the thrown value if it is ours, CANCELLED or TIMEOUT for an aborted signal, else INTERNAL with it as cause. */
export function asKeywrightError(thrown: unknown): KeywrightError {
  if (thrown instanceof KeywrightError) return thrown;
  if (thrown instanceof Error && thrown.name === 'TimeoutError') {
    return new KeywrightError('TIMEOUT', { detail: 'The deadline passed before an answer came.', cause: thrown });
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new KeywrightError('CANCELLED', { detail: 'The call was cancelled.', cause: thrown });
  }
  return new KeywrightError('INTERNAL', {
    detail: 'An internal fault. The log has the details under this request.',
    remedy: 'Try again; if it persists, run `keywright doctor run` and report it.',
    cause: thrown,
  });
}
