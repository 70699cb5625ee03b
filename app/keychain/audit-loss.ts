import { randomUUID } from 'node:crypto';
import type { AuditFacts } from './audit.ts';

/** Where the log stood when something was written down: it can never be shorter than this again, nor have another hash there. */
export interface Anchor {
  readonly number: number;
  /** Hexadecimal. */
  readonly hash: string;
}

/** What an entry says that tells of entries which are gone. No call has this name. */
const OPERATION = 'audit.lost';

/** The entry about a loss: told by Keywright itself, as it opens the store. */
export function lossFacts(detail: string): AuditFacts {
  return { at: new Date().toISOString(), request: randomUUID(), principal: 'keywright', principalName: 'Keywright', face: 'ipc', operation: OPERATION, effect: 'destroy', outcome: 'CORRUPT_RECORD', subjects: [], detail };
}

function tellsOfLoss({ operation, effect }: Pick<AuditFacts, 'operation' | 'effect'>): boolean {
  return operation === OPERATION && effect === 'destroy';
}

/** The same of an entry as it lies in the log: most are told apart without being read. @returns what it says is gone */
export function lossIn(json: Uint8Array): string | undefined {
  if (!Buffer.from(json.buffer, json.byteOffset, json.byteLength).includes(OPERATION)) return undefined;
  const facts = JSON.parse(Buffer.from(json).toString()) as AuditFacts;
  return tellsOfLoss(facts) ? (facts.detail ?? '') : undefined;
}

/**
 * @param last how many entries there are.
 * @param known how many there were on disk, as far as the store knows.
 * @param anchors what changes saw of the log, and whether that is still so.
 * @returns what is gone, as a sentence; undefined: nothing.
 */
export function lossOf(last: number, known: number, anchors: readonly (Anchor & { readonly holds: boolean })[]): string | undefined {
  const seen = anchors.filter(({ number }) => number > 0).sort((a, b) => b.number - a.number);
  const expected = Math.max(known, ...seen.map(({ number }) => number));
  if (last < expected) {
    return seen[0] === undefined ? `The log had ${expected} entries, and ${last} when the store was opened: the others are gone.`
      : `The log had ${expected} entries, and ${last} when the store was opened: the others are gone. Entry ${seen[0].number} had the hash ${seen[0].hash}.`;
  }
  const other = seen.find(({ holds }) => !holds);
  return other && `Entry ${other.number} is another one than the store knows, which had the hash ${other.hash}: another log was put in its place.`;
}
