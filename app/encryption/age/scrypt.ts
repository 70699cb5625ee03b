import { randomBytes, scrypt as scryptCallback } from 'node:crypto';
import { because, KeywrightError, type SecretBytes } from '../../contract/index.ts';
import { badHeader, toBase64 } from './header.ts';
import type { Identity, Recipient } from './stanzas.ts';
import { bytesArgument, openFileKey, requireArguments, sealFileKey } from './wrapping.ts';

/** A passphrase (scrypt, RFC 7914, r = 8, p = 1). */

const TYPE = 'scrypt';
const LABEL = Buffer.from('age-encryption.org/v1/scrypt');
const SALT = 16;
/** 256 MiB; about a second. */
const WORK_FACTOR = 18;
/** 1 GiB: beyond that a file could make its reader run out of memory. */
const MOST_WORK = 20;

function scrypt(passphrase: SecretBytes, salt: Uint8Array, workFactor: number): Promise<Buffer> {
  const N = 2 ** workFactor;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scryptCallback(passphrase.reveal(), Buffer.concat([LABEL, salt]), 32, { N, r: 8, p: 1, maxmem: 128 * 8 * (N + 16) }, (error, key) => (error === null ? resolve(key) : reject(error)));
  return promise;
}

/** @param ask gives the passphrase, which is wiped after use. */
export function scryptRecipient(ask: () => Promise<SecretBytes>, workFactor = WORK_FACTOR): Recipient {
  return {
    name: 'a passphrase',
    alone: true,
    async wrap(fileKey) {
      const salt = randomBytes(SALT);
      using passphrase = await ask();
      return { type: TYPE, args: [toBase64(salt), String(workFactor)], body: sealFileKey(await scrypt(passphrase, salt, workFactor), fileKey) };
    },
  };
}

/** @param ask asked only when the file is for a passphrase. */
export function scryptIdentity(ask: () => Promise<SecretBytes>): Identity {
  return {
    name: 'a passphrase',
    async unwrap(stanzas) {
      const stanza = stanzas.find(({ type }) => type === TYPE);
      if (stanza === undefined) return undefined;
      if (stanzas.length > 1) throw badHeader('a passphrase must be the only recipient');
      const { args, body } = stanza;
      requireArguments(args, 2, TYPE);
      const salt = bytesArgument(args[0] as string, SALT, 'the salt of the passphrase');
      if (!/^[1-9][0-9]{0,2}$/.test(args[1] as string)) throw badHeader('the work factor of the passphrase is no number');
      const workFactor = Number(args[1]);
      if (workFactor > MOST_WORK) throw badHeader(`its passphrase would need ${2 ** Math.min(workFactor - 10, 60)} MiB to be tried, and ${2 ** (MOST_WORK - 10)} MiB is the most here`);
      if (body.length !== 32) throw badHeader('the file key in a stanza has a wrong length');
      using passphrase = await ask();
      const fileKey = openFileKey(await scrypt(passphrase, salt, workFactor), body);
      if (fileKey === undefined) throw new KeywrightError('PIN_INCORRECT', because('secret.opens-no-file', {}));
      return fileKey;
    },
  };
}
