import { type KeyAlgorithmName, KeywrightError, SecretBytes } from '../contract/index.ts';
import { openJksKey, openJksSecret, parseJks } from './jks.ts';
import { notSupported, within } from './malformed.ts';
import { materialOfPkcs8 } from './material.ts';
import type { Passphrases } from './passphrases.ts';
import { wrongPassphrase } from './pbes.ts';
import { parsePkcs12, type Pkcs12Bag, wipeBags } from './pkcs12.ts';
import { symmetricMaterial } from './symmetric.ts';
import type { FileContents, ReadKey } from './types.ts';

/** Files of several keys and certificates: PKCS#12, and Java's JKS and JCEKS. */

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
      return await file.open(new Uint8Array(), passphrases.signal);
    } catch (thrown) {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
    }
  }
  return passphrases.open(undefined, (passphrase, signal) => file.open(passphrase.reveal(), signal));
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
async function foreignAside<T>(place: string, contents: FileContents, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
    contents.refused?.push(thrown);
    contents.notes.push(`A private key (${place}) was passed over: ${thrown.message}`);
    return undefined;
  }
}

/** The aliases are the labels. A chain comes with its key. */
export async function readJks(content: Uint8Array, contents: FileContents, passphrases: Passphrases, want: 'all' | 'certificates'): Promise<void> {
  const file = parseJks(content);
  for (const entry of file.entries) {
    if (entry.kind === 'secret') continue;
    const chain = entry.kind === 'key' ? entry.chain : [entry.der];
    chain.forEach((der, index) => contents.certificates.push({ der, ...(index === 0 && entry.alias !== '' ? { label: entry.alias } : {}) }));
  }
  if (file.stopsAt !== null) contents.notes.push(`From offset ${file.stopsAt} on, the ${file.type} file holds secret keys in a form that only Java reads. Convert it: keytool -importkeystore -deststoretype PKCS12.`);
  if (want === 'certificates') return;
  const locked = file.entries.filter((entry) => entry.kind !== 'certificate');
  if (locked.length === 0) {
    if (contents.certificates.length === 0) throw notSupported(`The ${file.type} file holds no private key that can be read.`, 'Convert it: keytool -importkeystore -deststoretype PKCS12.');
    return;
  }
  await passphrases.open(`the ${file.type} file`, async (passphrase) => {
    if (!file.isIntact(passphrase.reveal())) throw wrongPassphrase();
  });
  for (const entry of locked) {
    const label = entry.alias === '' ? {} : { label: entry.alias };
    const read = (passphrase: SecretBytes, signal: AbortSignal): Promise<ReadKey | undefined> => within(`offset ${entry.offset}`, async () => {
      if (entry.kind === 'secret') return readSecret(entry.alias, await openJksSecret(entry.sealed, passphrase.reveal(), signal), contents);
      using pkcs8 = new SecretBytes(await openJksKey(entry.protection, passphrase.reveal(), signal));
      const material = await foreignAside(entry.alias === '' ? `offset ${entry.offset}` : `“${entry.alias}”`, contents, () => materialOfPkcs8(pkcs8.reveal()));
      return material === undefined ? undefined : { material, format: 'jks' as const, wasEncrypted: true, ...label };
    });
    const key = await passphrases.open(`the key ${entry.alias}`, read);
    if (key !== undefined) contents.keys.push(key);
  }
}

/** @returns a secret key of JCEKS; undefined, with a note, for one of an algorithm that is not handled. */
function readSecret(alias: string, { algorithm: named, bytes }: Awaited<ReturnType<typeof openJksSecret>>, { notes }: FileContents): ReadKey | undefined {
  try {
    const algorithm = javaAlgorithm(named, bytes.length);
    if (algorithm !== undefined) return { material: symmetricMaterial(algorithm, bytes), format: 'jks', wasEncrypted: true, ...(alias === '' ? {} : { label: alias }) };
    notes.push(`A secret key for ${/^[\w./-]{1,40}$/.test(named) ? named : 'something unknown'} (“${alias}”) was passed over: Keywright does not handle it.`);
    return undefined;
  } finally {
    bytes.fill(0);
  }
}

/** @returns our name of a secret key that Java names; undefined for what is not handled. */
function javaAlgorithm(name: string, length: number): KeyAlgorithmName | undefined {
  const wanted = name.toUpperCase().replaceAll(/[-_]/g, '');
  if (wanted === 'AES' && [16, 24, 32].includes(length)) return `aes-${8 * length}` as KeyAlgorithmName;
  if (wanted === 'CHACHA20' && length === 32) return 'chacha20-poly1305';
  const hash = /^HMACSHA(256|384|512)$/.exec(wanted)?.[1];
  return hash === undefined ? undefined : (`hmac-sha${hash}` as KeyAlgorithmName);
}
