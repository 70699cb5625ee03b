import { KeywrightError } from '../../contract/index.ts';
import { PREFIX } from './applet.ts';
import { readDescription } from './description.ts';
import type { SmartCardHsm } from './hsm.ts';
import { enumerate, readFile, type HsmChannel } from './session.ts';

/** A key as it lies in the card. */
export interface KeyObject {
  /** By which the card knows it, 1 to 255. */
  readonly reference: number;
  /** CKA_ID in hex, from its description; null for a key without one, which OpenSC does not see. */
  readonly slot: string | null;
  readonly label: string | null;
}

/** @returns the keys in the card but its own, by their reference. */
export async function keysIn(channel: HsmChannel): Promise<KeyObject[]> {
  const references = (await enumerate(channel)).filter((file) => file >> 8 === PREFIX.key && (file & 0xff) !== 0).map((file) => file & 0xff);
  const keys: KeyObject[] = [];
  for (const reference of references.sort((a, b) => a - b)) keys.push({ reference, ...described(await readFile(channel, (PREFIX.description << 8) | reference, 'The description of a key was not read')) });
  return keys;
}

/** @param slot CKA_ID in hex. @throws NOT_FOUND with those that there are */
export async function referenceOf(channel: HsmChannel, slot: string, hsm: SmartCardHsm): Promise<number> {
  const keys = await keysIn(channel);
  const found = keys.find((key) => key.slot === slot);
  if (found === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${slot} in ${hsm.title}.`, where: '/slot', alternatives: keys.flatMap((key) => key.slot ?? []) });
  return found.reference;
}

function described(bytes: Buffer | undefined): Pick<KeyObject, 'slot' | 'label'> {
  try {
    const { id, label } = readDescription(bytes ?? Buffer.alloc(0), 'the description of a key');
    return { slot: Buffer.from(id).toString('hex'), label };
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return { slot: null, label: null };
    throw thrown;
  }
}
