import type { Context } from '../context.ts';
import { lookAround } from '../doctor.ts';
import type { LookedAt } from './notes.ts';

/** Asks everything that can be asked without a person: the runtime, the data folder, each backend, and the tokens that are plugged in. What comes of it is remembered. */
export async function look(context: Context): Promise<void> {
  const { session, call } = context;
  const found: LookedAt[] = [];
  for await (const one of lookAround(context)) {
    call.signal.throwIfAborted();
    // What keeps several backends from their tokens is one thing.
    if (!found.some(({ finding }) => finding.code === one.finding.code && finding.detail === one.finding.detail)) found.push(one);
  }
  await Promise.all(session.backends.tokens.all().map(async ({ token }) => {
    const status = await token.status(call).catch(() => undefined); // one that left, or is in use by another program: its own view says so
    if (status !== undefined) session.health.sawToken(token.facts.id, token, status);
  }));
  call.signal.throwIfAborted();
  session.health.looked(new Date().toISOString(), found);
}
