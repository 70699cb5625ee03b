import { because, KeywrightError } from '../contract/index.ts';

/** What PC/SC's errors (PC/SC part 5 §3.1.6) mean for a caller. The addon names them in its own way. */

export function pcscCode(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

const SERVICE_GONE = new Set(['NoService', 'ServiceStopped', 'Shutdown', 'SystemCancelled', 'InvalidHandle', 'BrokenPipe', 'ConnectionResetByPeer']);
const CARD_GONE = new Set(['RemovedCard', 'NoSmartCard', 'ReaderUnavailable', 'UnknownReader', 'UnpoweredCard']);
/** A card that was pulled in the middle of a command shows in one of these ways, and so does a bad contact. */
const BROKEN_OFF = new Set(['NotTransacted', 'CommError', 'CommDataLost', 'UnresponsiveCard', 'InternalError', 'InputOutput', 'Timeout']);

export const isServiceGone = (thrown: unknown): boolean => SERVICE_GONE.has(pcscCode(thrown));
export const isCardGone = (thrown: unknown): boolean => CARD_GONE.has(pcscCode(thrown));
export const isBrokenOff = (thrown: unknown): boolean => BROKEN_OFF.has(pcscCode(thrown));
export const wasReset = (thrown: unknown): boolean => pcscCode(thrown) === 'ResetCard';
export const isHeldElsewhere = (thrown: unknown): boolean => pcscCode(thrown) === 'SharingViolation';

export function tokenRemoved(cause?: unknown): KeywrightError {
  return new KeywrightError('TOKEN_REMOVED', { ...because('token.removed', {}), ...(cause === undefined ? {} : { cause }) });
}

export function serviceGone(cause?: unknown): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    ...because('token.no-service', {}), ...(cause === undefined ? {} : { cause }),
  });
}

/** The reason of {@link brokenOff}. */
export const SILENT = 'token.silent';

/** @returns the error of a command that broke off although the card is still there. */
export function brokenOff(reader: string, cause: unknown): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', {
    ...because(SILENT, { reader, fault: pcscCode(cause) || 'unknown fault' }), cause,
  });
}
