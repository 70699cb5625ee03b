import { Certificate } from '../../certificates/index.ts';
import { KEY_ALGORITHMS, type SecretBytes } from '../../contract/index.ts';
import { fingerprint, publicJwkOf, publicOfPkcs8, type KeyFileFormat, type ReadKey, writeKey, writePkcs12, writePkcs7, writePublicKey } from '../../formats/index.ts';
import { writeJwe } from '../../formats/jwe.ts';
import { notSupported } from '../../formats/malformed.ts';
import { writePem } from '../../formats/pem.ts';
import { type Chosen, PUBLIC_FORMATS, type PublicTarget, type Target } from './targets.ts';

/** Writes what was read of one file as another. */

interface Writing {
  readonly encoding: 'pem' | 'der';
  /** Absent: without encryption. */
  readonly passphrase: SecretBytes | undefined;
  readonly profile: 'modern' | 'strict' | 'legacy';
}

/** The certificates of a key: its own first, then who issued it, as far as the file has them. */
interface OwnCertificates { readonly certificate: Uint8Array; readonly chain: readonly Uint8Array[] }

const MAX_CHAIN = 20;

/** @returns the file; it may hold a secret, and the caller wipes it. */
export async function writeParts(target: Target, parts: Chosen, writing: Writing): Promise<Uint8Array> {
  switch (target.part) {
    case 'all': return allAsPem(parts, writing.passphrase);
    case 'private': return writePrivate(target.format as KeyFileFormat, parts, writing);
    case 'public': return writePublics(target.format as PublicTarget, parts, writing.encoding);
    case 'certificate': return target.format === 'pkcs7' ? encoded('PKCS7', writePkcs7(parts.certificates.map(({ der }) => der), parts.crls), writing) : each('CERTIFICATE', parts.certificates.map(({ der }) => der), writing);
    case 'list': return each('X509 CRL', parts.crls, writing);
    case 'request': return each('CERTIFICATE REQUEST', parts.requests, writing);
  }
}

/** @returns how many certificates belong to none of the keys that a JWK is written of. */
export function withoutKey({ format }: Target, parts: Chosen): number {
  if (!format.endsWith('jwk') && format !== 'jwe') return 0;
  const spkis = format === 'public-jwk' ? parts.publics.map(({ spki }) => spki) : parts.keys.flatMap((key) => publicOf(key) ?? []);
  const taken = new Set(spkis.flatMap((spki) => { const own = ownCertificates(spki, parts); return own === undefined ? [] : [own.certificate, ...own.chain]; }).map((der) => Buffer.from(der).toString('base64')));
  return parts.certificates.filter(({ der }) => !taken.has(Buffer.from(der).toString('base64'))).length;
}

const publicOf = ({ material }: ReadKey): Uint8Array | undefined => (KEY_ALGORITHMS[material.algorithm].kind === 'pair' ? publicOfPkcs8(material.secret.reveal()) : undefined);

function ownCertificates(spki: Uint8Array | undefined, { certificates }: Chosen): OwnCertificates | undefined {
  if (spki === undefined || certificates.length === 0) return undefined;
  const read = certificates.map(({ der }) => new Certificate(Uint8Array.from(der)));
  const print = fingerprint(spki);
  const own = read.find((certificate) => certificate.publicKeyId === print);
  if (own === undefined) return undefined;
  const chain: Certificate[] = [];
  for (let last = own; chain.length < MAX_CHAIN && !last.isSelfIssued;) {
    const issuer = read.find((one) => one.subject.canonical === last.issuer.canonical && one !== own && !chain.includes(one) && last.isSignedBy(one));
    if (issuer === undefined) break;
    chain.push(issuer);
    last = issuer;
  }
  return { certificate: own.der, chain: chain.map(({ der }) => der) };
}

async function writePrivate(format: KeyFileFormat, parts: Chosen, { encoding, passphrase, profile }: Writing): Promise<Uint8Array> {
  if (format === 'pkcs12') return pkcs12Of(parts, passphrase as SecretBytes, profile);
  const { keys } = parts;
  const secret = passphrase === undefined ? {} : { passphrase };
  const files: Uint8Array[] = [];
  try {
    if (encoding === 'der' && keys.length > 1) throw severalInDer();
    for (const key of keys) {
      const own = format === 'jwk' || format === 'jwe' ? ownCertificates(publicOf(key), parts) : undefined;
      const named = key.label === undefined ? {} : { label: key.label };
      // Several keys go into one set, which is then encrypted as a whole.
      files.push(await writeKey(key.material, { format: format === 'jwe' && keys.length > 1 ? 'jwk' : format, encoding, profile, ...named, ...own, ...(format === 'jwe' && keys.length > 1 ? {} : secret) }));
    }
    if (files.length === 1) return files[0]!;
    if (format === 'jwk' || format === 'jwe') {
      const set = Buffer.from(`${JSON.stringify({ keys: files.map((file) => JSON.parse(Buffer.from(file).toString('utf8')) as unknown) }, null, 2)}\n`);
      if (format === 'jwk') return set;
      try {
        return await writeJwe(set, passphrase as SecretBytes);
      } finally {
        set.fill(0);
      }
    }
    return Buffer.concat(files);
  } finally {
    if (files.length > 1) for (const file of files) file.fill(0);
  }
}

const severalInDer = () => notSupported('DER holds one thing, and the file has several.', 'Choose one (--item), or PEM.', ['pem']);

/** Each key with its certificate, which a local key id joins; then the rest. */
async function pkcs12Of({ keys, certificates }: Chosen, passphrase: SecretBytes, profile: Writing['profile']): Promise<Uint8Array> {
  const left = certificates.map(({ der, label }) => ({ label, certificate: new Certificate(Uint8Array.from(der)) }));
  const entries = keys.map((key) => {
    const spki = publicOf(key);
    const index = spki === undefined ? -1 : left.findIndex(({ certificate }) => certificate.publicKeyId === fingerprint(spki));
    const [own] = index < 0 ? [] : left.splice(index, 1);
    const name = key.label ?? own?.label;
    return { pkcs8: key.material.secret.reveal(), ...(own === undefined ? {} : { certificate: own.certificate.der }), ...(name === undefined ? {} : { friendlyName: name }) };
  });
  return writePkcs12([...entries, ...left.map(({ certificate, label }) => ({ certificate: certificate.der, ...(label === undefined ? {} : { friendlyName: label }) }))], passphrase, profile);
}

function writePublics(format: PublicTarget, parts: Chosen, encoding: Writing['encoding']): Uint8Array {
  const { publics } = parts;
  if (format === 'spki' && encoding === 'der') {
    if (publics.length > 1) throw severalInDer();
    return writePublicKey(publics[0]!.spki, publics[0]!.algorithm, 'der');
  }
  if (format === 'public-jwk') {
    const jwks = publics.map(({ spki, label }) => {
      const own = ownCertificates(spki, parts);
      return publicJwkOf(spki, { ...(label === undefined ? {} : { kid: label }), ...(own === undefined ? {} : { x5c: [own.certificate, ...own.chain] }) });
    });
    return jwks.length === 1 ? jwks[0]! : Buffer.from(`${JSON.stringify({ keys: jwks.map((jwk) => JSON.parse(jwk.toString('utf8')) as unknown) }, null, 2)}\n`);
  }
  return Buffer.concat(publics.map(({ spki, algorithm, label }) => writePublicKey(spki, algorithm, PUBLIC_FORMATS[format], label)));
}

function encoded(label: string, der: Uint8Array, { encoding }: Writing): Uint8Array {
  return encoding === 'der' ? Uint8Array.from(der) : writePem(label, der);
}

function each(label: string, list: readonly Uint8Array[], writing: Writing): Uint8Array {
  if (writing.encoding === 'der' && list.length > 1) throw severalInDer();
  return Buffer.concat(list.map((der) => encoded(label, der, writing)));
}

/** Names stand before their blocks, as `openssl pkcs12` writes them and our own reader finds them. */
async function allAsPem({ keys, publicKeys, certificates, crls, requests }: Chosen, passphrase: SecretBytes | undefined): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  const add = (label: string | undefined, block: Uint8Array): void => void blocks.push(Buffer.from(label === undefined ? '' : `friendlyName: ${label.replaceAll(/[\u0000-\u001f\u007f]+/g, ' ')}\n`), block);
  for (const { material, label } of keys) add(label, await writeKey(material, { format: 'pkcs8', encoding: 'pem', ...(passphrase === undefined ? {} : { passphrase }) }));
  for (const { der, label } of certificates) add(label, writePem('CERTIFICATE', der));
  for (const { spki, algorithm, label } of publicKeys) add(label, writePublicKey(spki, algorithm, 'pem'));
  for (const der of crls) add(undefined, writePem('X509 CRL', der));
  for (const der of requests) add(undefined, writePem('CERTIFICATE REQUEST', der));
  const whole = Buffer.concat(blocks);
  for (const block of blocks) block.fill(0);
  return whole;
}
