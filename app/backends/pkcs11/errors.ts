import { KeywrightError, type ErrorCode } from '../../contract/index.ts';
import { CKR } from './constants.ts';

/** What a module's return values (PKCS#11 v3.1 §5.1) mean to us: one table, and nothing else translates them. */

type ReturnName = keyof typeof CKR;
interface Meaning {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly remedy?: string;
}

const gone: Meaning = { code: 'TOKEN_REMOVED', detail: 'The token was removed.', remedy: 'Put it back and try again.' };
const notOpening: Meaning = { code: 'INVALID_INPUT', detail: 'It does not decrypt: the key, the ciphertext, or what belongs to it is not the right one.', remedy: 'Check that nothing was cut off or changed, and that it was made for this key.' };
const missing = (detail: string, remedy = 'See `keywright tokens mechanisms` for what the token can do.'): Meaning => ({ code: 'CAPABILITY_MISSING', detail, remedy });
const staleHandle: Meaning = { code: 'NOT_FOUND', detail: 'The token has no such key any more.', remedy: 'See `keywright tokens slots`.' };
const notLoggedIn: Meaning = { code: 'PIN_REQUIRED', detail: 'The token asks for its PIN first.' };
const readOnly: Meaning = { code: 'PERMISSION_DENIED', detail: 'The token cannot be written.', remedy: 'It is write-protected, or was opened read-only by its configuration.' };

const MEANINGS: Partial<Record<ReturnName, Meaning>> = {
  CANCEL: { code: 'CANCELLED', detail: 'It was cancelled at the token.' },
  FUNCTION_CANCELED: { code: 'CANCELLED', detail: 'It was cancelled at the token.' },
  DEVICE_REMOVED: gone, TOKEN_NOT_PRESENT: gone, SLOT_ID_INVALID: gone,
  TOKEN_NOT_RECOGNIZED: { code: 'BACKEND_UNAVAILABLE', detail: 'The module does not know what is in the slot.', remedy: 'Choose the module that its maker names for this token.' },
  DEVICE_MEMORY: { code: 'STORAGE_FULL', detail: 'The token has no room left.', remedy: 'Delete a key or a certificate that is not needed.' },
  DEVICE_ERROR: { code: 'BACKEND_UNAVAILABLE', detail: 'The device reported a fault.', remedy: 'Take it out, put it back and try again.' },
  PIN_INCORRECT: { code: 'PIN_INCORRECT', detail: 'The PIN is wrong.' },
  PIN_INVALID: { code: 'INVALID_INPUT', detail: 'The token does not take such a PIN.', remedy: 'It may want digits alone, or other characters.' },
  PIN_LEN_RANGE: { code: 'INVALID_INPUT', detail: 'The token does not take a PIN of this length.' },
  PIN_LOCKED: { code: 'PIN_BLOCKED', detail: 'The PIN is blocked.' },
  PIN_EXPIRED: { code: 'PIN_REQUIRED', detail: 'The PIN has expired.', remedy: 'Choose a new one with `keywright tokens change-pin`.' },
  USER_NOT_LOGGED_IN: notLoggedIn,
  USER_PIN_NOT_INITIALIZED: { code: 'PIN_REQUIRED', detail: 'The token has no user PIN yet.', remedy: 'The security officer sets it with `keywright tokens unblock-pin`.' },
  USER_ANOTHER_ALREADY_LOGGED_IN: { code: 'CONFLICT', detail: 'Another user of the token is logged in.', remedy: 'Try again.' },
  USER_TOO_MANY_TYPES: { code: 'CONFLICT', detail: 'Another user of the token is logged in.', remedy: 'Try again.' },
  SESSION_COUNT: { code: 'RATE_LIMITED', detail: 'The token allows no more sessions.', remedy: 'Close other programs that use it, or lower the setting `sessions`.' },
  SESSION_EXISTS: { code: 'CONFLICT', detail: 'The token is in use.', remedy: 'Try again when other programs have closed it.' },
  USER_TYPE_INVALID: { code: 'PERMISSION_DENIED', detail: 'The token lets another user do that: its security officer, or its user.', remedy: 'Use the program of the token’s maker.' },
  TOKEN_WRITE_PROTECTED: readOnly, SESSION_READ_ONLY: readOnly,
  MECHANISM_INVALID: missing('The token does not have this mechanism.'), FUNCTION_NOT_SUPPORTED: missing('The module does not have this function.'),
  MECHANISM_PARAM_INVALID: missing('The token does not have this mechanism with these parameters.'),
  CURVE_NOT_SUPPORTED: missing('The token does not have this curve.'), DOMAIN_PARAMS_INVALID: missing('The token does not have this curve.'),
  KEY_SIZE_RANGE: missing('The token does not have keys of this size.'), KEY_TYPE_INCONSISTENT: missing('The key is of another type.'),
  KEY_FUNCTION_NOT_PERMITTED: missing('The token does not let this key do that.', 'Choose a key with that usage.'),
  TEMPLATE_INCONSISTENT: missing('The token does not make such keys.', 'Try fewer usages, or not extractable.'), TEMPLATE_INCOMPLETE: missing('The token wants to know more than this standard form says.'),
  ATTRIBUTE_VALUE_INVALID: missing('The token does not take an attribute of the key.', 'Try fewer usages, or another id.'),
  ATTRIBUTE_TYPE_INVALID: missing('The token does not have an attribute of the key.'), ATTRIBUTE_READ_ONLY: missing('The token does not let this be changed.'),
  ACTION_PROHIBITED: { code: 'PERMISSION_DENIED', detail: 'The token does not allow it.' },
  FUNCTION_REJECTED: { code: 'PERMISSION_DENIED', detail: 'The token refused it.' },
  KEY_UNEXTRACTABLE: { code: 'PERMISSION_DENIED', detail: 'The key is not extractable: it never leaves the token.' },
  KEY_NOT_WRAPPABLE: { code: 'PERMISSION_DENIED', detail: 'The key may not be wrapped.' },
  ATTRIBUTE_SENSITIVE: { code: 'PERMISSION_DENIED', detail: 'The key never leaves the token in clear.' },
  ENCRYPTED_DATA_INVALID: notOpening, ENCRYPTED_DATA_LEN_RANGE: notOpening, WRAPPED_KEY_INVALID: notOpening, WRAPPED_KEY_LEN_RANGE: notOpening, DATA_INVALID: notOpening,
  DATA_LEN_RANGE: missing('It is longer than the token takes for this key.'),
  KEY_HANDLE_INVALID: staleHandle, OBJECT_HANDLE_INVALID: staleHandle, UNWRAPPING_KEY_HANDLE_INVALID: staleHandle, WRAPPING_KEY_HANDLE_INVALID: staleHandle,
  RANDOM_NO_RNG: missing('The token has no random number generator.'),
  CANT_LOCK: { code: 'BACKEND_UNAVAILABLE', detail: 'The module cannot be used by several threads.', remedy: 'Install a newer version of it.' },
};

const NAMES = new Map<number, ReturnName>(Object.entries(CKR).map(([name, code]) => [code, name as ReturnName]));

/** Thrown by the calls of `cryptoki.ts`: carries the return value, so that code near the module can tell one from another. */
export class CryptokiError extends KeywrightError {
  readonly returned: number;

  constructor(returned: number, call: string) {
    const name = NAMES.get(returned);
    const meaning = name === undefined ? undefined : MEANINGS[name];
    const said = `${name === undefined ? `0x${returned.toString(16)}` : `CKR_${name}`} from ${call}`;
    super(meaning?.code ?? 'BACKEND_UNAVAILABLE', {
      // What does not decrypt is always told in the same words, whichever check failed.
      detail: meaning === notOpening ? meaning.detail : meaning === undefined ? `The module reports a fault (${said}).` : `${meaning.detail} (${said})`,
      remedy: meaning === undefined ? 'Try again; if it persists, look into the module’s own log.' : meaning.remedy ?? '',
    });
    this.returned = returned;
  }
}

export function isReturn(thrown: unknown, ...names: readonly ReturnName[]): thrown is CryptokiError {
  return thrown instanceof CryptokiError && names.some((name) => CKR[name] === thrown.returned);
}

/** @returns the error of everything that does not decrypt or unwrap. */
export function notDecrypting(): CryptokiError {
  return new CryptokiError(CKR.ENCRYPTED_DATA_INVALID, 'C_Decrypt');
}
