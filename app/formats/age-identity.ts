import { decodeBech32, encodeBech32 } from './bech32.ts';
import { malformedAt, notSupported, within } from './malformed.ts';
import type { PrivateParts } from './private-parts.ts';
import type { PublicParts } from './spki.ts';

/** Keys of age: an identity is an X25519 private key in Bech32, a recipient its public key (age's specification, “The X25519 recipient type”). */

const X25519_HEADER = Buffer.of(0x04, 0x20);
const MAX_IDENTITIES = 1000;

/** @returns the X25519 keys of an identity file, a line each. @throws INVALID_INPUT with the line, CAPABILITY_MISSING for identities of other kinds */
export function readAgeIdentities(content: Uint8Array): { parts: PrivateParts; line: number; label?: string }[] {
  const found: { parts: PrivateParts; line: number; label?: string }[] = [];
  Buffer.from(content).toString('latin1').split(/\r?\n/).forEach((text, index) => {
    const line = text.trim();
    if (line === '' || line.startsWith('#')) return;
    const place = `line ${index + 1}`;
    if (found.length === MAX_IDENTITIES) throw malformedAt(place, `The file has more than ${MAX_IDENTITIES} identities.`);
    if (/^AGE-PLUGIN-/i.test(line)) throw notSupported('The identity belongs to a plugin of age: it is a handle to a key that lives elsewhere.', 'Use age with that plugin.');
    if (/^AGE-SECRET-KEY-PQ-/i.test(line)) throw notSupported('The identity is a pair of an ML-KEM and an X25519 key, which cannot be kept as one.', 'Name the file with --identity when you decrypt.');
    if (!/^AGE-SECRET-KEY-1/i.test(line)) throw malformedAt(place, 'This line is no identity of age.');
    const { prefix, bytes } = within(place, () => decodeBech32(line));
    if (prefix !== 'age-secret-key-' || bytes.length !== 32) throw malformedAt(place, 'An identity of age has 32 bytes.');
    found.push({ parts: { kind: 'bytes', algorithm: 'x25519', secret: Buffer.concat([X25519_HEADER, bytes]) }, line: index + 1 });
  });
  return found;
}

/** @returns the identity file, with the recipient in a comment as age-keygen writes it. @param label for a comment too. */
export function writeAgeIdentity(parts: PrivateParts, publicParts: PublicParts, label: string | undefined): Buffer {
  if (parts.kind !== 'bytes') throw notSupported('age has X25519 keys alone.');
  const identity = encodeBech32('age-secret-key-', parts.secret.subarray(2)).toUpperCase();
  const name = label === undefined ? '' : `# ${label.replaceAll(/[\x00-\x1f\x7f]+/g, ' ').trim()}\n`;
  return Buffer.from(`${name}# public key: ${ageRecipient(publicParts)}\n${identity}\n`);
}

/** @returns `age1…` of an X25519 public key. */
export function ageRecipient(parts: PublicParts): string {
  if (parts.kind !== 'bytes' || parts.algorithm !== 'x25519') throw notSupported(`age has recipients for X25519 keys, not for ${parts.algorithm}.`, 'Choose an X25519 key.', ['x25519']);
  return encodeBech32('age', parts.bytes);
}

/** @param text one recipient. @throws INVALID_INPUT, CAPABILITY_MISSING */
export function readAgeRecipient(text: string): PublicParts {
  const { prefix, bytes } = decodeBech32(text.trim());
  if (prefix !== 'age') throw notSupported('This recipient of age is of another kind than X25519.', 'Give an X25519 recipient (age1…).');
  if (bytes.length !== 32) throw malformedAt('offset 0', 'A recipient of age has 32 bytes.');
  return { kind: 'bytes', algorithm: 'x25519', bytes };
}
