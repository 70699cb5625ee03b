import { KeywrightError, type ErrorCode, type ErrorFacts } from '../contract/index.ts';
import type { Response } from './apdu.ts';
import { SW_OK } from './apdu.ts';

/** What status words mean (ISO/IEC 7816-4 §5.6, SP 800-73-4 part 2 §3) where a driver has no more to say of one. */

export const SW = {
  ok: SW_OK,
  noInformation: 0x6300,
  memoryFailure: 0x6581,
  wrongLength: 0x6700,
  securityStatus: 0x6982,
  blocked: 0x6983,
  conditions: 0x6985,
  wrongData: 0x6a80,
  notSupported: 0x6a81,
  fileNotFound: 0x6a82,
  noSpace: 0x6a84,
  wrongParameters: 0x6a86,
  notFound: 0x6a88,
  wrongInstruction: 0x6d00,
  wrongClass: 0x6e00,
} as const;

const TABLE: Readonly<Record<number, { code: ErrorCode; says: string; remedy?: string }>> = {
  [SW.noInformation]: { code: 'PERMISSION_DENIED', says: 'authentication failed' },
  [SW.memoryFailure]: { code: 'BACKEND_UNAVAILABLE', says: 'its memory could not be written', remedy: 'The token may be worn out or broken.' },
  [SW.wrongLength]: { code: 'CAPABILITY_MISSING', says: 'it does not take a command of this length' },
  [SW.securityStatus]: { code: 'PIN_REQUIRED', says: 'it wants to be authenticated to first' },
  [SW.blocked]: { code: 'PIN_BLOCKED', says: 'it is blocked' },
  [SW.conditions]: { code: 'CONFLICT', says: 'its state does not allow that' },
  [SW.wrongData]: { code: 'INVALID_INPUT', says: 'it does not take these data' },
  [SW.notSupported]: { code: 'CAPABILITY_MISSING', says: 'it does not have that function' },
  [SW.fileNotFound]: { code: 'NOT_FOUND', says: 'there is no such object' },
  [SW.noSpace]: { code: 'STORAGE_FULL', says: 'it has no space left', remedy: 'Delete a certificate or an object that is no longer needed.' },
  [SW.wrongParameters]: { code: 'CAPABILITY_MISSING', says: 'it does not know what was asked for' },
  [SW.notFound]: { code: 'NOT_FOUND', says: 'there is no such key or object' },
  [SW.wrongInstruction]: { code: 'CAPABILITY_MISSING', says: 'it does not have that command' },
  [SW.wrongClass]: { code: 'CAPABILITY_MISSING', says: 'it does not have that command' },
};

/** @returns tries left when `sw` is 63Cx (§7.5.1), else undefined. */
export function triesIn(sw: number): number | undefined {
  return (sw & 0xfff0) === 0x63c0 ? sw & 0x0f : undefined;
}

/**
 * @param what was tried, as the beginning of a sentence: "The key in slot 9a was not made".
 * @param facts more than the table says, or instead of it.
 */
export function statusError(sw: number, what: string, facts: Partial<ErrorFacts> & { readonly code?: ErrorCode } = {}): KeywrightError {
  const { code, ...told } = facts;
  const tries = triesIn(sw);
  if (tries !== undefined) return new KeywrightError(code ?? (tries === 0 ? 'PIN_BLOCKED' : 'PIN_INCORRECT'), { detail: `${what}: it was wrong.`, triesLeft: tries, ...told });
  const entry = TABLE[sw];
  const says = entry?.says ?? 'the token gave a reason that we do not know';
  return new KeywrightError(code ?? entry?.code ?? 'BACKEND_UNAVAILABLE', { detail: `${what}: ${says} (status ${hexOf(sw)}).`, ...(entry?.remedy === undefined ? {} : { remedy: entry.remedy }), ...told });
}

/** @returns the data of a good answer. @throws what {@link statusError} gives for any other. */
export function dataOf({ data, sw }: Response, what: string): Buffer {
  if (sw !== SW.ok) throw statusError(sw, what);
  return data;
}

export const hexOf = (sw: number): string => sw.toString(16).padStart(4, '0');
