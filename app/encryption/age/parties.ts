import { KEY_ALGORITHMS, KeywrightError } from '../../contract/index.ts';
import type { HeldKey, Openers, Party } from '../parties.ts';
import { hybridRecipient, isHybridRecipient } from './hybrid.ts';
import { isP256Recipient, p256Identity, p256Point, p256Recipient, writeP256Recipient } from './p256.ts';
import { scryptIdentity, scryptRecipient } from './scrypt.ts';
import { RSA_LABEL, sshEd25519Identity, sshRecipient, sshRsaIdentity } from './ssh.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { writeX25519Recipient, x25519Identity, x25519Raw, x25519Recipient } from './x25519.ts';

/** Parties as recipients and identities of age. */

/** @returns a recipient that is named in age's own form; undefined for anything else. @throws INVALID_INPUT for one that is damaged */
export function ageRecipientNamed(text: string): Recipient | undefined {
  if (isP256Recipient(text)) return p256Recipient(text);
  if (isHybridRecipient(text)) return hybridRecipient(text);
  return /^age1[a-z0-9]+$/i.test(text) ? x25519Recipient(text) : undefined;
}

/** @throws CAPABILITY_MISSING for a key of which age has no recipients */
export function ageRecipientOf(party: Party): Recipient {
  if (party.kind === 'age') return party.recipient;
  if (party.kind === 'passphrase') return scryptRecipient(party.ask);
  if (party.kind === 'secret') throw new KeywrightError('CAPABILITY_MISSING', { detail: `age has no recipients for symmetric keys, as “${party.name}” is.`, remedy: 'Encrypt as JWE.', alternatives: ['jwe'] });
  const { name, spki, algorithm } = party;
  if (algorithm === 'x25519') return { ...x25519Recipient(writeX25519Recipient(x25519Raw(spki))), name };
  if (algorithm === 'ec-p256') return { ...p256Recipient(writeP256Recipient(p256Point(spki))), name };
  if (algorithm === 'ed25519' || KEY_ALGORITHMS[algorithm].family === 'rsa') return sshRecipient(name, spki, algorithm);
  throw new KeywrightError('CAPABILITY_MISSING', { detail: `age has no recipients for ${algorithm}, as “${name}” is.`, remedy: 'Choose an X25519, P-256, RSA or (in software) Ed25519 key, or encrypt as CMS.', alternatives: ['x25519', 'ec-p256', 'rsa-3072', 'ed25519'] });
}

/** A passphrase first: a file that is for one is for nobody else. */
export function ageIdentitiesOf({ keys, identities, passphrase }: Openers): Identity[] {
  return [scryptIdentity(passphrase), ...identities, ...keys.flatMap(identityOf)];
}

function identityOf({ name, spki, algorithm, agree, decrypt, seed }: HeldKey): Identity[] {
  if (algorithm === 'x25519' && agree !== undefined) return [x25519Identity(name, x25519Raw(spki), agree)];
  if (algorithm === 'ec-p256' && agree !== undefined) return [p256Identity(name, p256Point(spki), agree)];
  if (algorithm === 'ed25519' && seed !== undefined) return [sshEd25519Identity(name, spki, seed)];
  if (decrypt !== undefined) return [sshRsaIdentity(name, spki, algorithm, (ciphertext) => decrypt('rsa-oaep-sha256', ciphertext, RSA_LABEL))];
  return [];
}
