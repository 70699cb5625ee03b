import { KeywrightError } from '../contract/index.ts';
import { within } from './malformed.ts';
import { materialOfPkcs8 } from './material.ts';
import type { Passphrases } from './passphrases.ts';
import { parsePkcs12, type Pkcs12Bag, wipeBags } from './pkcs12.ts';
import type { FileContents } from './types.ts';

/** PKCS#12: a file of several keys and certificates. */

/** Beyond so many rounds nobody writes a file without a passphrase, and trying none would only take time. */
const TRY_NONE_ROUNDS = 20_000;

/** @param want `certificates`: keys are not kept. */
export async function readPkcs12(content: Uint8Array, contents: FileContents, passphrases: Passphrases, want: 'all' | 'certificates'): Promise<void> {
  const file = parsePkcs12(content);
  const bags = await opened(file, passphrases);
  try {
    for (const bag of bags) {
      passphrases.signal.throwIfAborted();
      await take(bag, file.needsPassphrase, contents, want);
    }
  } finally {
    wipeBags(bags);
  }
}

async function opened(file: ReturnType<typeof parsePkcs12>, passphrases: Passphrases): Promise<Pkcs12Bag[]> {
  if (file.mac === null ? !file.needsPassphrase : file.mac.kind === 'classic' && file.mac.rounds <= TRY_NONE_ROUNDS) {
    try {
      return await file.open(new Uint8Array(), passphrases.signal, passphrases.spending);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
    }
  }
  return passphrases.open(undefined, (passphrase, signal) => file.open(passphrase.reveal(), signal, passphrases.spending));
}

async function take(bag: Pkcs12Bag, wasEncrypted: boolean, contents: FileContents, want: 'all' | 'certificates'): Promise<void> {
  const label = bag.friendlyName === undefined ? {} : { label: bag.friendlyName };
  if (bag.kind === 'certificate') contents.certificates.push({ der: bag.der, ...label });
  else if (bag.kind === 'crl') contents.crls.push(bag.der);
  else if (bag.kind === 'secret') contents.notes.push(`A secret (${bag.place}, type ${bag.type}) was passed over: Keywright keeps keys and certificates.`);
  else if (bag.kind === 'unknown') contents.notes.push(`Something of an unknown kind (${bag.place}, type ${bag.type}) was passed over.`);
  else if (want === 'all') {
    const material = await foreignAside(bag.place, contents, () => within(bag.place, () => materialOfPkcs8(bag.pkcs8)));
    if (material !== undefined) contents.keys.push({ material, format: 'pkcs12', wasEncrypted: wasEncrypted || bag.encryption !== null, ...label });
  }
}

/** A key that is only foreign keeps nothing from the others, nor from the certificates. */
export async function foreignAside<T>(place: string, contents: FileContents, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
    contents.refused?.push(thrown);
    contents.notes.push(`A private key (${place}) was passed over: ${thrown.message}`);
    return undefined;
  }
}
