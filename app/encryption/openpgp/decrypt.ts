import { because, KeywrightError } from '../../contract/index.ts';
import { malformed } from '../../formats/malformed.ts';
import type { OpenpgpEncryptionKey } from '../../formats/openpgp-encryption-key.ts';
import type { HeldKey, Openers } from '../parties.ts';
import type { ByteSource } from '../source.ts';
import { PACKETS } from './algorithms.ts';
import { BEGIN, MessageArmorSource } from './armor.ts';
import { contentOf } from './content.ts';
import { drain, PacketStream, wholeBody } from './packets.ts';
import { openSecretSessionKey } from './passphrase.ts';
import { damaged, openProtected, type Protected } from './protected.ts';
import { encryptionKeysOf, openPublicSessionKey, readPublicSessionKey, type ReadSessionKey, type SessionKey } from './session-key.ts';

/** Opens OpenPGP messages (RFC 9580 §10.3.1): encrypted for keys and passphrases, and authenticated. */

type Write = (piece: Uint8Array) => Promise<void>;
const MOST_SESSION_KEYS = 1000;
const LARGEST_SESSION_KEY = 64 * 1024;
/** Passphrases of one file; each is tried with the one that is given. */
const MOST_PASSPHRASES = 16;

interface OpenedOpenpgp {
  readonly openedBy: string;
  /** There is a signature inside. */
  readonly signed: boolean;
}

/** Whether a file begins as an OpenPGP message that is encrypted. */
export function looksLikeOpenpgp(beginning: Uint8Array): boolean {
  const [head = 0] = beginning;
  const tag = (head & 0x40) !== 0 ? head & 0x3f : (head >> 2) & 0x0f;
  const encrypted: readonly number[] = [PACKETS.publicSessionKey, PACKETS.secretSessionKey, PACKETS.unprotected, PACKETS.protected, PACKETS.librePgp, PACKETS.marker, PACKETS.padding];
  return ((head & 0x80) !== 0 && encrypted.includes(tag)) || Buffer.from(beginning).includes(BEGIN);
}

/** @throws INVALID_INPUT for what is damaged; NOT_FOUND when none of the openers is among the recipients; PIN_INCORRECT; CAPABILITY_MISSING for content without integrity; what the openers do. What was written before an error must be thrown away. */
export async function decryptOpenpgp(source: ByteSource, beginning: Uint8Array, openers: Openers, write: Write): Promise<OpenedOpenpgp> {
  const stream = new PacketStream(((beginning[0] ?? 0) & 0x80) !== 0 ? source : new MessageArmorSource(source));
  const forKeys: ReadSessionKey[] = [];
  const forPassphrases: Buffer[] = [];
  for (let count = 0; ; count += 1) {
    if (count === MOST_SESSION_KEYS) throw malformed(`There are more than ${MOST_SESSION_KEYS} packets before the content.`);
    const next = await stream.next();
    if (next === undefined) throw malformed('The OpenPGP message ends before its content.');
    const { tag, body } = next;
    if (tag === PACKETS.publicSessionKey) {
      const read = readPublicSessionKey(await wholeBody(body, LARGEST_SESSION_KEY, 'A session key'));
      if (read !== undefined) forKeys.push(read);
    } else if (tag === PACKETS.secretSessionKey) forPassphrases.push(await wholeBody(body, LARGEST_SESSION_KEY, 'A session key'));
    else if (tag === PACKETS.protected) return decrypted(stream, body, await sessionKeys(forKeys, forPassphrases, openers), write);
    else if (tag !== PACKETS.marker && tag !== PACKETS.padding) throw refusal(tag);
  }
}

function refusal(tag: number): KeywrightError {
  if (tag === PACKETS.unprotected) return new KeywrightError('CAPABILITY_MISSING', { detail: 'This OpenPGP message is encrypted in the old way that does not show whether somebody changed it (RFC 9580 §5.7), and so it is not opened: a changed one can be made to give its content away.', remedy: 'Ask its sender to encrypt it anew, or open it with GnuPG (--ignore-mdc-error) where you know where it comes from.' });
  if (tag === PACKETS.librePgp) return new KeywrightError('CAPABILITY_MISSING', { detail: 'This OpenPGP message is encrypted in the way of LibrePGP, which RFC 9580 does not have.', remedy: 'Ask its sender for one without it (gpg --rfc4880).' });
  return malformed('This OpenPGP file is not encrypted.', 0, 'See what it is with `keywright files inspect`.');
}

interface Opened {
  readonly name: string;
  readonly keys: readonly SessionKey[];
}

/** @throws NOT_FOUND when none of the openers is among the recipients, PIN_INCORRECT when the passphrase gives no key */
async function sessionKeys(forKeys: readonly ReadSessionKey[], forPassphrases: readonly Buffer[], openers: Openers): Promise<Opened> {
  for (const one of forKeys) {
    for (const [key, form] of candidates(one, openers.keys)) {
      const opened = await openPublicSessionKey(one, key, form);
      if (opened !== undefined) return { name: key.name, keys: [opened] };
    }
  }
  if (forPassphrases.length === 0) throw new KeywrightError('NOT_FOUND', { detail: `None of your keys opens this file. It is for ${forKeys.map(({ named }) => (named.length === 0 ? 'a key that is not named' : Buffer.from(named).toString('hex').toUpperCase())).join(', ').slice(0, 500) || 'nobody who is known'}.`, remedy: 'Plug in the token with the key, or import the key.' });
  using passphrase = await openers.passphrase();
  const keys: SessionKey[] = [];
  const foreign: KeywrightError[] = [];
  for (const body of forPassphrases.slice(0, MOST_PASSPHRASES)) {
    const key = await openSecretSessionKey(body, passphrase).catch((thrown: unknown) => {
      if (!(thrown instanceof KeywrightError) || thrown.code !== 'CAPABILITY_MISSING') throw thrown;
      foreign.push(thrown); // another passphrase of the file may be for us
    });
    if (key !== undefined) keys.push(key);
  }
  if (keys.length === 0) throw foreign.length === forPassphrases.length ? (foreign[0] as KeywrightError) : wrongPassphrase();
  return { name: PASSPHRASE, keys };
}

const PASSPHRASE = 'a passphrase';
const wrongPassphrase = (): KeywrightError => new KeywrightError('PIN_INCORRECT', because('secret.opens-no-file', {}));

/** Keys in the form that is named; where none is, those of the kind whose use does not depend on a fingerprint: they may have been made elsewhere, at another time. */
function candidates({ named, number }: ReadSessionKey, keys: readonly HeldKey[]): [HeldKey, OpenpgpEncryptionKey][] {
  const able = keys.flatMap((key) => (key.agree === undefined && key.decrypt === undefined ? [] : encryptionKeysOf(key).filter((form) => form.number === number).map((form): [HeldKey, OpenpgpEncryptionKey] => [key, form])));
  if (named.length === 0) return able;
  const wanted = Buffer.from(named);
  const found = able.filter(([, { keyId, fingerprint }]) => wanted.equals(keyId) || wanted.equals(fingerprint));
  return found.length > 0 ? found : able.filter(([key, { ecdh }], index) => ecdh === undefined && able.findIndex(([other]) => other === key) === index);
}

async function decrypted(stream: PacketStream, body: ByteSource, { name, keys }: Opened, write: Write): Promise<OpenedOpenpgp> {
  let content: Protected;
  try {
    content = await openProtected(body, keys);
  } catch (thrown) {
    // Version 4 of a session key under a passphrase does not show whether it was the right one: the content's beginning does.
    throw name === PASSPHRASE && thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT' ? wrongPassphrase() : thrown;
  }
  let signed: boolean;
  try {
    ({ signed } = await contentOf(content, write));
  } catch (thrown) {
    // What was changed may look like anything: that it was is what to tell.
    if (thrown instanceof KeywrightError && thrown.code === 'INVALID_INPUT') await drain(content);
    throw thrown;
  }
  await drain(content);
  if ((await drain(body)) > 0) throw damaged('there is more behind its end');
  for (let next = await stream.next(); next !== undefined; next = await stream.next()) if (next.tag !== PACKETS.padding && next.tag !== PACKETS.marker) throw damaged('there is more behind its end');
  for (const { key } of keys) key.fill(0);
  return { openedBy: name, signed };
}
