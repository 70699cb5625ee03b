import { createCipheriv, randomBytes } from 'node:crypto';
import type { SecretBytes } from '../contract/index.ts';
import { bcryptPbkdf } from './bcrypt-pbkdf.ts';
import { fromBigInt, toBigInt } from './der.ts';
import { bcryptRounds, mostRounds } from './limits.ts';
import { malformed, notSupported, within } from './malformed.ts';
import { SSH_CIPHERS } from './openssh-ciphers.ts';
import { parseSshBlob, readSshEc, refuseSshType, sshBlob, sshKeyType } from './openssh-public.ts';
import { wrongPassphrase } from './pbes.ts';
import { ecParts, pointOf, type PrivateParts, rsaParts } from './private-parts.ts';
import { buildSpki, type PublicParts } from './spki.ts';
import { sshMpint, SshReader, sshString, sshUint32 } from './ssh-wire.ts';

/** Private keys of OpenSSH: `openssh-key-v1` (OpenSSH's PROTOCOL.key). */

export const OPENSSH_MAGIC = Buffer.from('openssh-key-v1\0', 'latin1');
/** As ssh-keygen writes since OpenSSH 9.4. */
const WRITTEN_ROUNDS = 24;
const PKCS8_ED25519_SEED_HEADER = Buffer.of(0x04, 0x20);

/** A file that was parsed as far as that goes without the passphrase. */
interface OpensshFile {
  readonly encrypted: boolean;
  /** How, for who looks at the file; null when it is not encrypted. */
  readonly protection: { readonly cipher: string; readonly rounds: number } | null;
  readonly publicParts: PublicParts;
  /** @param passphrase needed when it is encrypted. @throws PIN_INCORRECT, INVALID_INPUT */
  open(passphrase: SecretBytes | undefined, signal: AbortSignal): Promise<{ parts: PrivateParts; comment: string }>;
}

/** @param content of the PEM block `OPENSSH PRIVATE KEY`. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING */
export function parseOpenssh(content: Uint8Array): OpensshFile {
  if (!Buffer.from(content.subarray(0, OPENSSH_MAGIC.length)).equals(OPENSSH_MAGIC)) throw malformed('An OpenSSH private key begins with openssh-key-v1.', 0);
  const reader = new SshReader(content.subarray(OPENSSH_MAGIC.length), OPENSSH_MAGIC.length);
  const cipherName = reader.text('the cipher');
  const kdfName = reader.text('the key derivation function');
  const optionsAt = reader.offset;
  const kdfOptions = reader.string('the options of the key derivation function');
  const countAt = reader.offset;
  const count = reader.uint32('the number of keys');
  if (count !== 1) throw count > 1 && count < 1000 ? notSupported(`The file holds ${count} keys; OpenSSH itself knows files of one alone.`) : malformed(`The file claims to hold ${count} keys.`, countAt);
  const publicAt = reader.offset + 4;
  const publicParts = parseSshBlob(reader.string('the public key'), publicAt);
  const privateAt = reader.offset;
  const section = reader.string('the private part');
  const tag = reader.rest;
  const encrypted = cipherName !== 'none';
  if (!encrypted) {
    if (kdfName !== 'none' || kdfOptions.length !== 0) throw malformed('The key is not encrypted, but a key derivation function is named.', optionsAt);
    reader.finish('the key');
    return { encrypted, protection: null, publicParts, open: async () => within('in the private part', () => readSection(Buffer.from(section), 8, publicParts, false)) };
  }
  const cipher = Object.hasOwn(SSH_CIPHERS, cipherName) ? SSH_CIPHERS[cipherName] : undefined;
  if (cipher === undefined) throw notSupported(`The key is encrypted with ${printable(cipherName)}, which is not supported.`, 'Change it with: ssh-keygen -p -Z aes256-ctr.', Object.keys(SSH_CIPHERS));
  if (kdfName !== 'bcrypt') throw notSupported(`The key derivation function ${printable(kdfName)} is not supported.`, 'Change it with: ssh-keygen -p.', ['bcrypt']);
  const options = new SshReader(kdfOptions);
  const salt = options.string('the salt');
  const rounds = options.uint32('the number of rounds');
  options.finish('the options of the key derivation function');
  if (salt.length === 0 || salt.length > 1024 || rounds === 0) throw malformed('The salt or the number of rounds is zero or far too large.', optionsAt);
  if (rounds > bcryptRounds()) throw notSupported(`The key asks for ${rounds} rounds of bcrypt; ${mostRounds(bcryptRounds())}.`, 'Change it with: ssh-keygen -p -a 24.');
  if (section.length === 0 || section.length % cipher.block !== 0) throw malformed(`The encrypted part is not a multiple of ${cipher.block} bytes.`, privateAt);
  if (tag.length !== cipher.tag) throw malformed(`${cipher.tag} bytes should follow the encrypted part, not ${tag.length}.`, privateAt);
  return {
    encrypted, protection: { cipher: cipherName, rounds }, publicParts,
    open: async (passphrase, signal) => {
      if (passphrase === undefined || passphrase.length === 0) throw wrongPassphrase();
      const derived = await bcryptPbkdf(passphrase.reveal(), salt, rounds, cipher.key + cipher.iv, signal);
      try {
        const plain = cipher.decrypt(derived.subarray(0, cipher.key), derived.subarray(cipher.key), section, tag);
        return within('in the private part, decrypted', () => readSection(plain, cipher.block, publicParts, true));
      } finally {
        derived.fill(0);
      }
    },
  };
}

/** Reads the decrypted part. Its bytes live on in what is returned. */
function readSection(section: Buffer, block: number, publicParts: PublicParts, encrypted: boolean): { parts: PrivateParts; comment: string } {
  const reader = new SshReader(section);
  const first = reader.uint32('the check number');
  if (first !== reader.uint32('the check number')) throw encrypted ? wrongPassphrase() : malformed('The two check numbers differ: the file is damaged.', 0);
  const { offset } = reader;
  const parts = readPrivate(reader);
  const comment = reader.text('the comment', 'utf8');
  reader.rest.forEach((byte, index) => {
    if (byte !== (index + 1) % 256) throw malformed('The padding is not 1, 2, 3 …', reader.offset + index);
  });
  if (section.length % block !== 0) throw malformed(`The private part is not a multiple of ${block} bytes.`, section.length);
  if (!buildSpki(parts.publicParts).equals(buildSpki(publicParts))) throw malformed('The private key is not the one of the public key in front of it.', offset);
  return { parts: parts.privateParts, comment };
}

function readPrivate(reader: SshReader): { privateParts: PrivateParts; publicParts: PublicParts } {
  const type = reader.text('the key type');
  const { offset } = reader;
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = ['the modulus', 'the public exponent', 'the private exponent', 'the coefficient', 'the first prime', 'the second prime']
      .map((name) => reader.mpint(name)) as [bigint, bigint, bigint, bigint, bigint, bigint];
    if (p <= 1n || q <= 1n) throw malformed('The primes of this RSA key are none.', offset);
    const privateParts = rsaParts({ n, e, d, p, q, qi, dp: d % (p - 1n), dq: d % (q - 1n) }, offset);
    return { privateParts, publicParts: { kind: 'rsa', algorithm: privateParts.algorithm, n, e } };
  }
  if (type === 'ssh-ed25519') {
    const publicBytes = Uint8Array.from(reader.string('the public key'));
    const privateAt = reader.offset;
    const both = reader.string('the private key');
    if (publicBytes.length !== 32 || both.length !== 64 || !Buffer.from(both.subarray(32)).equals(publicBytes)) throw malformed('An Ed25519 private key is a seed of 32 bytes and the public key again.', privateAt);
    return {
      privateParts: { kind: 'bytes', algorithm: 'ed25519', secret: Buffer.concat([PKCS8_ED25519_SEED_HEADER, both.subarray(0, 32)]), publicBytes },
      publicParts: { kind: 'bytes', algorithm: 'ed25519', bytes: publicBytes },
    };
  }
  const publicParts = readSshEc(type, reader) ?? refuseSshType(type);
  const scalarAt = reader.offset;
  const scalar = reader.mpint('the private scalar');
  return { privateParts: ecParts(publicParts.algorithm, fromBigInt(scalar), publicParts.bytes, scalarAt), publicParts };
}

/** @returns the content of the PEM block. @throws CAPABILITY_MISSING for algorithms that OpenSSH has no name for */
export async function writeOpenssh(parts: PrivateParts, publicParts: PublicParts, passphrase: SecretBytes | undefined, comment: string): Promise<Buffer> {
  const type = sshKeyType(parts.algorithm);
  const block = passphrase === undefined ? 8 : 16;
  const check = randomBytes(4);
  const bare = Buffer.concat([check, check, sshString(type), writePrivate(parts, publicParts), sshString(comment)]);
  const section = Buffer.concat([bare, Buffer.from(Array.from({ length: (block - (bare.length % block)) % block }, (_, index) => index + 1))]);
  const file = (cipher: string, kdf: string, options: Buffer, content: Buffer): Buffer => Buffer.concat([
    OPENSSH_MAGIC, sshString(cipher), sshString(kdf), sshString(options), sshUint32(1), sshString(sshBlob(publicParts)), sshString(content),
  ]);
  if (passphrase === undefined) return file('none', 'none', Buffer.alloc(0), section);
  const salt = randomBytes(16);
  const derived = await bcryptPbkdf(passphrase.reveal(), salt, WRITTEN_ROUNDS, 48, new AbortController().signal);
  const encrypted = createCipheriv('aes-256-ctr', derived.subarray(0, 32), derived.subarray(32)).update(section);
  for (const secret of [derived, bare, section]) secret.fill(0);
  return file('aes256-ctr', 'bcrypt', Buffer.concat([sshString(salt), sshUint32(WRITTEN_ROUNDS)]), encrypted);
}

function writePrivate(parts: PrivateParts, publicParts: PublicParts): Buffer {
  if (parts.kind === 'rsa') return Buffer.concat([parts.n, parts.e, parts.d, parts.qi, parts.p, parts.q].map(sshMpint));
  const publicBytes = publicParts.kind === 'rsa' ? Buffer.alloc(0) : publicParts.bytes;
  if (parts.kind === 'ec') {
    return Buffer.concat([sshString(sshKeyType(parts.algorithm).slice('ecdsa-sha2-'.length)), sshString(pointOf(parts.algorithm, parts.scalar)), sshMpint(toBigInt(parts.scalar))]);
  }
  return Buffer.concat([sshString(publicBytes), sshString(Buffer.concat([parts.secret.subarray(2), publicBytes]))]);
}

const printable = (text: string): string => (/^[\x21-\x7e]{1,64}$/.test(text) ? text : `0x${Buffer.from(text.slice(0, 32), 'latin1').toString('hex')}`);
