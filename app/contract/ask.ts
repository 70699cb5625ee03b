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
  const minimum = request.minLength ?? (request.kind === 'new-secret' ? 8 : 0);
  if ([...answer.secret].length < minimum) {
    throw new KeywrightError('INVALID_INPUT', { detail: `A new passphrase needs at least ${minimum} characters.`, remedy: 'Choose a longer one: four or five random words are good.' });
  }
  return SecretBytes.fromText(answer.secret);
}

/** Asks a person to confirm. @throws CANCELLED when they do not, INVALID_INPUT when the typed text differs. */
export async function askToConfirm(request: Omit<PromptRequest & { kind: 'confirm' }, 'kind'>, call: Call): Promise<void> {
  const answer = await call.prompt.ask({ kind: 'confirm', ...request }, call.signal);
  if (answer.kind !== 'confirmed') throw new KeywrightError('CANCELLED', 'It was not confirmed. Nothing was changed.');
  if (request.typed !== undefined && answer.typed !== request.typed) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'What was typed is not what was asked for. Nothing was changed.', remedy: `Type exactly: ${request.typed}` });
  }
}
