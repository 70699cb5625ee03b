import { createHash } from 'node:crypto';
import type { HealthFinding, Mending } from '../../contract/index.ts';
import type { Mender } from '../mending.ts';

/** Something that asks for attention. What mends it is found out when somebody is shown it. */
export interface Concern extends Omit<HealthFinding, 'id' | 'hidden' | 'mendedBy'> {
  /** Tells apart what is otherwise one: two damaged records of a store. */
  readonly which?: string;
  mend(mender: Mender): Mending[] | Promise<Mending[]>;
}

/** Nothing can be done about it by a call. */
export const noCall = (): Mending[] => [];

/** @returns the id of a finding: the same for the same thing, whenever it is found. */
export function idOf({ code, about, which = '' }: Pick<Concern, 'code' | 'about' | 'which'>): string {
  return createHash('sha256').update(JSON.stringify([code, about.place, about.id, which])).digest('hex').slice(0, 16);
}

const GRAVITY = { problem: 0, warning: 1, note: 2 } as const;
const NO_END = '9999';

/** The worst first; of equals what ends first, then by name. */
export function byGravity(a: Concern, b: Concern): number {
  return GRAVITY[a.level] - GRAVITY[b.level] || compare(a.until ?? a.since ?? NO_END, b.until ?? b.since ?? NO_END) || compare(a.about.label, b.about.label) || compare(a.code, b.code);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
