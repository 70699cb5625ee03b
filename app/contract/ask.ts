import type { Call } from './call.ts';
import { KeywrightError } from './errors.ts';
import type { PromptRequest } from './prompts.ts';
import { SecretBytes } from './secrets.ts';

/** What a person types to spend the last try of a PIN. */
export const LAST_TRY = 'last try';

/**
 * Asks for a secret that exists (`secret`) or is chosen now (`new-secret`).
 * @returns UTF-8 of what was typed; the caller wipes it.
 * @throws PIN_REQUIRED when nobody can be asked, CANCELLED, INVALID_INPUT when it is shorter than `minLength`.
 */
export async function askSecret(request: PromptRequest & { kind: 'secret' | 'new-secret' }, call: Call): Promise<SecretBytes> {
  const answer = await call.prompt.ask(request, call.signal);
  if (answer.kind !== 'secret') throw new KeywrightError('CANCELLED', 'The prompt was closed without an answer.');
  const problem = problemOfSecret(answer.secret, request);
  if (problem !== null) throw new KeywrightError('INVALID_INPUT', problem);
  return SecretBytes.fromText(answer.secret);
}

/** @returns why a secret cannot be what the request asks for, or null. Its length and alphabet alone are judged. */
export function problemOfSecret(secret: string, request: PromptRequest & { kind: 'secret' | 'new-secret' }): { detail: string; remedy: string } | null {
  const isNew = request.kind === 'new-secret';
  const least = request.minLength ?? (isNew ? 8 : 0);
  const most = isNew ? request.maxLength : undefined;
  const form = isNew ? (request.form ?? 'text') : 'text';
  const { length } = [...secret];
  const fits = length >= least && (most === undefined || length <= most) && (form === 'text' || (form === 'hex' ? /^([0-9a-fA-F]{2})*$/ : /^[\x20-\x7e]*$/).test(secret));
  if (fits) return null;
  if (form === 'text' && length < least) return { detail: `A new passphrase needs at least ${least} characters.`, remedy: 'Choose a longer one: four or five random words are good.' };
  const lengths = most === undefined ? `at least ${least}` : least === most ? String(least) : `${least} to ${most}`;
  return { detail: `It must have ${lengths} ${form === 'hex' ? 'hexadecimal digits' : form === 'pin' ? 'characters of plain ASCII' : 'characters'}.`, remedy: 'Choose another one.' };
}

/** Asks a person to confirm. @throws CANCELLED when they do not, INVALID_INPUT when the typed text differs. */
export async function askToConfirm(request: Omit<PromptRequest & { kind: 'confirm' }, 'kind'>, call: Call): Promise<void> {
  const answer = await call.prompt.ask({ kind: 'confirm', ...request }, call.signal);
  if (answer.kind !== 'confirmed') throw new KeywrightError('CANCELLED', 'It was not confirmed. Nothing was changed.');
  if (request.typed !== undefined && answer.typed !== request.typed) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'What was typed is not what was asked for. Nothing was changed.', remedy: `Type exactly: ${request.typed}` });
  }
}
