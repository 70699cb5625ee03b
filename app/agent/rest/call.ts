import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KeywrightError, toProblem, type Core, type Operation, type Principal } from '../../contract/index.ts';
import { sendJson, sendProblem } from './answers.ts';
import { EventStream } from './event-stream.ts';
import { PROMPT_ANSWERS, prompterFromHeader } from './prompt-answers.ts';

/**
 * Calls an operation and answers: JSON, or server-sent events (`progress` …, then `result` or `error`) when the operation
 * streams and the caller accepts them. A caller that goes away aborts the call. A program on REST may answer prompts by a
 * header; the window never, since secrets are not for its heap.
 */
export async function answerCall(core: Core, operation: Operation, input: () => unknown, principal: Principal, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const requestId = randomUUID();
  const abort = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) abort.abort(new KeywrightError('CANCELLED', 'The caller went away.'));
  });
  let stream: EventStream | undefined;
  try {
    const answers = principal.face === 'rest' ? request.headers[PROMPT_ANSWERS] : undefined;
    const prompt = typeof answers === 'string' ? { prompt: prompterFromHeader(answers) } : {};
    const given = input();
    if (operation.progress !== undefined && acceptsEvents(request)) stream = new EventStream(reply);
    const events = stream;
    const progress = events === undefined ? {} : { progress: (event: unknown) => events.offer('progress', event) };
    const output = await core.call(operation.id, given, { principal, signal: abort.signal, requestId, ...prompt, ...progress });
    if (stream === undefined) sendJson(reply, operation.http.status, output);
    else stream.finish('result', output);
  } catch (thrown) {
    if (stream === undefined) sendProblem(request, reply, thrown, requestId);
    else stream.finish('error', toProblem(thrown, requestId));
  }
}

/** Whether `text/event-stream` is asked for by name (RFC 9110 §12.5.1); a wildcard gets JSON. */
function acceptsEvents(request: FastifyRequest): boolean {
  const { accept } = request.headers;
  return accept !== undefined && accept.toLowerCase().includes('text/event-stream');
}
