import { randomUUID } from 'node:crypto';
import { type Call, KeywrightError, type Principal } from '../../contract/index.ts';
import type { Tokens } from '../tokens.ts';
import type { HealthNotes } from './notes.ts';

const KEYWRIGHT: Principal = { id: 'keywright', name: 'Keywright', face: 'ipc', permissions: new Set() };
/** A verb tells several times that something changed. */
const SETTLE_MS = 150;

/** Asks a token for its secrets again after it changed, where somebody has asked before: a PIN that was changed is no default any more. Others are left alone. */
export function keepStatuses(tokens: Tokens, notes: HealthNotes, signal: AbortSignal): void {
  const waiting = new Map<string, NodeJS.Timeout>();
  const call: Call = { id: randomUUID(), principal: KEYWRIGHT, signal, prompt: NOBODY, progress: () => undefined, discarded: () => undefined };
  const again = async (id: string): Promise<void> => {
    waiting.delete(id);
    const present = tokens.get(id);
    if (signal.aborted || present === undefined || notes.statusOf(id, present.token) === undefined) return;
    const status = await present.token.status(call).catch(() => undefined); // one that left meanwhile: nothing is told of it any more
    if (status !== undefined && !signal.aborted) notes.sawToken(id, present.token, status);
  };
  tokens.onChange((change) => {
    if (change.type !== 'changed') return;
    clearTimeout(waiting.get(change.id));
    waiting.set(change.id, setTimeout(() => void again(change.id), SETTLE_MS).unref());
  });
}

const NOBODY: Call['prompt'] = {
  interactive: false,
  ask: () => Promise.reject(new KeywrightError('PIN_REQUIRED', 'Nobody is asked when a token is looked at.')),
};
