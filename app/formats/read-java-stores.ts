import { type KeyAlgorithmName, KeywrightError, SecretBytes } from '../contract/index.ts';
import { type BksEntry, CONVERT_BKS, openBksKey, parseBks } from './bks.ts';
import { openJksKey, openJksSecret, parseJks } from './jks.ts';
import { notSupported, within } from './malformed.ts';
import { materialOfPkcs8 } from './material.ts';
import type { Passphrases } from './passphrases.ts';
import { wrongPassphrase } from './pbes.ts';
import { foreignAside } from './read-stores.ts';
import { symmetricMaterial } from './symmetric.ts';
import type { FileContents, KeyFileFormat, ReadKey } from './types.ts';

/** Key stores of Java: JKS and JCEKS, and Bouncy Castle's BKS and UBER. The aliases are the labels; a chain comes with its key. */

const CONVERT = 'Convert it: keytool -importkeystore -deststoretype PKCS12.';

/**
 * Adds keys and certificates of a JKS or JCEKS file to `contents`, and notes what only Java can read.
 * @param want `certificates` asks for no passphrase
 * @throws INVALID_INPUT with the offset; PIN_INCORRECT, PIN_REQUIRED
 */
export async function readJks(content: Uint8Array, contents: FileContents, passphrases: Passphrases, want: 'all' | 'certificates'): Promise<void> {
  const file = parseJks(content);
  for (const entry of file.entries) {
    if (entry.kind === 'secret') continue;
    takeChain(entry.kind === 'key' ? entry.chain : [entry.der], entry.alias, contents);
  }
  if (file.stopsAt !== null) contents.notes.push(`From offset ${file.stopsAt} on, the ${file.type} file holds secret keys in a form that only Java reads. ${CONVERT}`);
  if (want === 'certificates') return;
  const locked = file.entries.filter((entry) => entry.kind !== 'certificate');
  if (locked.length === 0) {
    if (contents.certificates.length === 0) throw notSupported(`The ${file.type} file holds no private key that can be read.`, CONVERT);
    return;
  }
  await passphrases.open(`the ${file.type} file`, async (passphrase) => {
    if (!file.isIntact(passphrase.reveal())) throw wrongPassphrase();
  });
  for (const entry of locked) {
    await takeKey(entry, 'jks', contents, passphrases, async (passphrase, signal) => (entry.kind === 'secret'
      ? { kind: 'secret', ...(await openJksSecret(entry.sealed, passphrase, signal, passphrases.spending)) }
      : { kind: 'private', algorithm: '', bytes: await openJksKey(entry.protection, passphrase, signal, passphrases.spending) }));
  }
}

/**
 * Adds keys and certificates of a BKS or UBER file (Bouncy Castle) to `contents`. UBER is encrypted as a whole and asks for its passphrase in any case.
 * @param want `certificates` opens no key
 * @throws INVALID_INPUT with the offset; PIN_INCORRECT, PIN_REQUIRED
 */
export async function readBks(content: Uint8Array, contents: FileContents, passphrases: Passphrases, want: 'all' | 'certificates'): Promise<void> {
  const file = parseBks(content);
  const open = (): Promise<readonly BksEntry[]> => passphrases.open(`the ${file.type} file`, (passphrase, signal) => {
    passphrases.spending.spend(file.rounds);
    return file.open(passphrase.reveal(), signal);
  });
  const entries = file.entries ?? (await open());
  for (const entry of entries) takeChain(entry.kind === 'key' ? entry.chain : [entry.der], entry.alias, contents);
  if (want === 'certificates') return;
  const keys = entries.filter((entry) => entry.kind === 'key');
  if (keys.length === 0) {
    if (contents.certificates.length === 0) throw notSupported(`The ${file.type} file is empty.`, CONVERT_BKS);
    return;
  }
  if (file.entries !== null) await open();
  for (const entry of keys) await takeKey(entry, 'bks', contents, passphrases, (passphrase, signal) => openBksKey(entry, passphrase, signal, passphrases.spending));
}

function takeChain(chain: readonly Uint8Array[], alias: string, { certificates }: FileContents): void {
  certificates.push(...chain.map((der, index) => ({ der, ...(index === 0 && alias !== '' ? { label: alias } : {}) })));
}

interface Opened {
  readonly kind: 'private' | 'public' | 'secret';
  /** As Java calls it; of a private key it stands in its bytes. */
  readonly algorithm: string;
  readonly bytes: Uint8Array;
}

/** A key whose passphrase is another one, and is not given, keeps nothing from the others: the store's own did open the store. */
async function takeKey({ alias, offset }: { readonly alias: string; readonly offset: number }, format: KeyFileFormat, contents: FileContents, passphrases: Passphrases, open: (passphrase: Uint8Array, signal: AbortSignal) => Promise<Opened>): Promise<void> {
  passphrases.signal.throwIfAborted();
  const named = alias === '' ? `offset ${offset}` : `“${alias}”`;
  try {
    const material = await within(`offset ${offset}`, async () => {
      const opened = await passphrases.open(`the key ${alias}`, (passphrase, signal) => open(passphrase.reveal(), signal));
      using bytes = new SecretBytes(opened.bytes);
      return materialOf(opened, bytes.reveal(), named, contents);
    });
    if (material !== undefined) contents.keys.push({ material, format, wasEncrypted: true, ...(alias === '' ? {} : { label: alias }) });
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
    contents.refused?.push(thrown);
    contents.notes.push(`The key ${named} was passed over: it has a passphrase of its own, which was not given.`);
  }
}

async function materialOf({ kind, algorithm: called }: Opened, bytes: Uint8Array, named: string, contents: FileContents): Promise<ReadKey['material'] | undefined> {
  if (kind === 'private') return foreignAside(named, contents, () => materialOfPkcs8(bytes));
  const algorithm = kind === 'secret' ? javaAlgorithm(called, bytes.length) : undefined;
  if (algorithm !== undefined) return symmetricMaterial(algorithm, bytes);
  const what = kind === 'secret' ? `A secret key for ${/^[\w./-]{1,40}$/.test(called) ? called : 'something unknown'}` : 'A public key';
  contents.notes.push(`${what} (${named}) was passed over: Keywright does not ${kind === 'secret' ? 'handle it' : 'take public keys from key stores'}.`);
  return undefined;
}

/** @returns our name of a secret key that Java names; undefined for what is not handled. */
function javaAlgorithm(name: string, length: number): KeyAlgorithmName | undefined {
  const wanted = name.toUpperCase().replaceAll(/[-_/]/g, '');
  if (wanted === 'AES' && [16, 24, 32].includes(length)) return `aes-${8 * length}` as KeyAlgorithmName;
  if (wanted === 'CHACHA20' && length === 32) return 'chacha20-poly1305';
  const hash = /^HMACSHA(256|384|512)$/.exec(wanted)?.[1];
  return hash === undefined ? undefined : (`hmac-sha${hash}` as KeyAlgorithmName);
}
