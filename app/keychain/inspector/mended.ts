import type { InspectedItem, Mending } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { Mender } from '../mending.ts';
import type { Draft, Finding, Hint } from './finding.ts';

/** @returns the items as every face gives them: each finding with the calls that mend it here. */
export async function mended(drafts: readonly Draft[], mender: Mender): Promise<InspectedItem[]> {
  // A file of several parts is written anew as one of several parts.
  const whole = drafts[0]?.kind === 'pem' ? 'pem' : undefined;
  const items: InspectedItem[] = [];
  for (const { publicKey, certificate, algorithm, findings, ...item } of drafts) {
    const isSsh = item.kind.startsWith('openssh');
    const mend = (hint: Hint): Promise<Mending[]> => mender.mend(hint, { title: item.title, publicKey: hint.kind === 'sign' ? (hint.spki === undefined ? null : fingerprint(hint.spki)) : publicKey, certificate, algorithm, isSsh }, whole);
    const told: InspectedItem['findings'] = [];
    for (const finding of findings) told.push(await withActions(finding, mend));
    items.push({ ...item, findings: told });
  }
  return items;
}

async function withActions({ mend: hints = [], ...finding }: Finding, mend: (hint: Hint) => Promise<Mending[]>): Promise<InspectedItem['findings'][number]> {
  const mendedBy: Mending[] = [];
  for (const hint of hints) mendedBy.push(...(await mend(hint)));
  return { ...finding, mendedBy };
}
