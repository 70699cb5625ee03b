import { KeywrightError, PROMPT_PURPOSES, type Prompter, type PromptAnswer, type PromptRequest } from '../../contract/index.ts';
import { parseJson } from './json-body.ts';

/** Request header by which a program without a person answers what the call will ask. It is never logged nor repeated. */
export const PROMPT_ANSWERS = 'keywright-prompt-answers';

/**
 * Reads base64url (RFC 4648 §5) of a JSON object from purpose to answer: `{"key-passphrase": "…", "confirm": true}`.
 * `confirm` is true for a plain confirmation, or the text that has to be typed.
 *
 * @returns a prompter for this call alone.
 * @throws INVALID_INPUT without a word of what was in it.
 */
export function prompterFromHeader(header: string): Prompter {
  const answers = readAnswers(header);
  return {
    interactive: false,
    given: [...answers].flatMap(([purpose, answer]) => (answer === true ? [] : [purpose])),
    ask: async (request, signal) => {
      signal.throwIfAborted();
      const answer = answerTo(request, answers.get(request.purpose));
      if (answer !== undefined) return answer;
      throw new KeywrightError('PIN_REQUIRED', {
        detail: request.kind === 'show-secret' ? 'A secret must be shown to a person, and a program is calling.' : `The call asks for “${request.purpose}”, and Keywright-Prompt-Answers has no fitting answer.`,
        remedy: request.kind === 'show-secret' ? 'Do this in the window or on a terminal.'
          : request.kind === 'confirm' && request.typed !== undefined ? `Add "${request.purpose}" with the text to be typed: ${request.typed}` : `Add "${request.purpose}" to the header’s record.`,
      });
    },
  };
}

function answerTo(request: PromptRequest, answer: string | true | undefined): PromptAnswer | undefined {
  if (answer === undefined || request.kind === 'show-secret') return undefined;
  if (request.kind === 'confirm') {
    if (request.typed === undefined) return answer === true ? { kind: 'confirmed' } : undefined;
    return answer === true ? undefined : { kind: 'confirmed', typed: answer };
  }
  return answer === true ? undefined : { kind: 'secret', secret: answer };
}

function readAnswers(header: string): ReadonlyMap<PromptRequest['purpose'], string | true> {
  if (!/^[A-Za-z0-9_-]+$/.test(header)) throw malformed('it is not base64url without padding');
  let record: unknown;
  try {
    record = parseJson(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    throw malformed('it does not hold JSON');
  }
  if (typeof record !== 'object' || record === null || Array.isArray(record)) throw malformed('it does not hold a JSON object');
  return new Map(Object.entries(record).map(([purpose, answer]: [string, unknown]): [PromptRequest['purpose'], string | true] => {
    if (!(PROMPT_PURPOSES as readonly string[]).includes(purpose)) throw malformed('it names a purpose that no prompt has', PROMPT_PURPOSES);
    if (answer !== true && (typeof answer !== 'string' || answer.length > 4096)) throw malformed(`the answer to “${purpose}” is neither a text nor true`);
    return [purpose as PromptRequest['purpose'], answer];
  }));
}

function malformed(why: string, alternatives?: readonly string[]): KeywrightError {
  return new KeywrightError('INVALID_INPUT', {
    detail: `The header Keywright-Prompt-Answers cannot be read: ${why}.`, where: 'Keywright-Prompt-Answers', remedy: 'Send base64url of JSON, such as {"store-passphrase":"…"}.', ...(alternatives === undefined ? {} : { alternatives }),
  });
}
