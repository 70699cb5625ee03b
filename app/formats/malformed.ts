import { KeywrightError } from '../contract/index.ts';

/** For programs: what was given is not what it claims. People read what exactly is wrong, which no list of reasons could hold. */
const MALFORMED = 'file.malformed';

/** @returns INVALID_INPUT for a file that is not what it claims. @param offset bytes from the beginning of what was parsed. */
export function malformed(detail: string, offset?: number, remedy?: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', {
    reason: MALFORMED, detail: detail.charAt(0).toUpperCase() + detail.slice(1), // readers begin with the name of a part: "the version …"
    ...(offset === undefined ? {} : { where: `offset ${offset}` }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** @returns INVALID_INPUT with any place: `line 3`, `/keys/0/d`. */
export function malformedAt(where: string, detail: string, remedy?: string): KeywrightError {
  return new KeywrightError('INVALID_INPUT', { reason: MALFORMED, detail, where, ...(remedy === undefined ? {} : { remedy }) });
}

/** @returns CAPABILITY_MISSING: well-formed, but nothing that we handle. */
export function notSupported(detail: string, remedy?: string, alternatives?: readonly string[]): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail,
    ...(remedy === undefined ? {} : { remedy }),
    ...(alternatives === undefined ? {} : { alternatives }),
  });
}

/**
 * Runs `work` and puts `place` in front of where an INVALID_INPUT of it says that the fault is, so that an offset inside
 * a PEM block or a member of a JWK Set can be found in the file.
 */
export function within<T>(place: string, work: () => T): T {
  try {
    const result = work();
    return result instanceof Promise ? (result.catch((thrown: unknown) => { throw placed(place, thrown); }) as T) : result;
  } catch (thrown) {
    throw placed(place, thrown);
  }
}

function placed(place: string, thrown: unknown): unknown {
  if (!(thrown instanceof KeywrightError) || thrown.code !== 'INVALID_INPUT') return thrown;
  const where = thrown.facts.where === undefined ? place : `${place}, ${thrown.facts.where}`;
  return new KeywrightError('INVALID_INPUT', { ...thrown.facts, where, cause: thrown.cause });
}
