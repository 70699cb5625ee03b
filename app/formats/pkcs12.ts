import { KeywrightError } from '../contract/index.ts';
import { berToDer } from './ber.ts';
import { contextPrimitive, contextTag, type DerElement, DerReader, TAG } from './der.ts';
import { malformed, notSupported, within } from './malformed.ts';
import { bmpText } from './pbes1.ts';
import { checkedBlocks, type EncryptedPkcs8, openEncrypted, parseEncryptedPkcs8, readEncryptionScheme, wrongPassphrase } from './pbes.ts';
import { type Pkcs12Mac, readPkcs12Mac } from './pkcs12-mac.ts';
import { Spending } from './spending.ts';

/** PKCS#12 (RFC 7292): keys, certificates, revocation lists and secrets in bags, bags in safes, some of them encrypted. */

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const BAG = '1.2.840.113549.1.12.10.1';
const [X509, X509_CRL] = ['1.2.840.113549.1.9.22.1', '1.2.840.113549.1.9.23.1'];
const [FRIENDLY_NAME, LOCAL_KEY_ID, JAVA_TRUST] = ['1.2.840.113549.1.9.20', '1.2.840.113549.1.9.21', '2.16.840.1.113894.746875.1.1'];
const [MAX_SAFES, MAX_BAGS, MAX_NESTING] = [100, 5000, 8];
/** Rounds of key derivation for one whole file, however many safes and keys it has. */

interface BagFacts {
  readonly friendlyName?: string;
  /** Hex: joins a key with its certificate. */
  readonly localKeyId?: string;
  /** Where: "bag 3" of the file, from 1. */
  readonly place: string;
}
export type Pkcs12Bag = BagFacts & (
  /** `pkcs8`: PrivateKeyInfo, DER; the caller wipes it. `encryption`: of the bag itself; null when it has none. */
  | { readonly kind: 'key'; readonly pkcs8: Uint8Array; readonly encryption: string | null }
  /** `trusted`: Java says so of it. */
  | { readonly kind: 'certificate'; readonly der: Uint8Array; readonly trusted: boolean }
  | { readonly kind: 'crl'; readonly der: Uint8Array }
  /** `value`: what the type says, DER; the caller wipes it. */
  | { readonly kind: 'secret'; readonly type: string; readonly value: Uint8Array }
  | { readonly kind: 'unknown'; readonly type: string }
);

interface Pkcs12File {
  /** null: nothing protects it against changes. */
  readonly mac: Pkcs12Mac | null;
  /** How safes are encrypted, in words. Those of single keys are known when their safe is open. */
  readonly encryption: readonly string[];
  /** Whether safes or the MAC need a passphrase; without, single keys may still. */
  readonly needsPassphrase: boolean;
  /**
   * @param passphrase UTF-8; of no bytes when there is none. @throws PIN_INCORRECT, INVALID_INPUT, CAPABILITY_MISSING
   */
  open(passphrase: Uint8Array, signal: AbortSignal, spending?: Spending): Promise<Pkcs12Bag[]>;
}

interface Safe {
  readonly encrypted: EncryptedPkcs8 | null;
  readonly plain: Uint8Array;
}

/** @param content BER or DER. @throws INVALID_INPUT with the offset, CAPABILITY_MISSING */
export function parsePkcs12(content: Uint8Array): Pkcs12File {
  const bytes = berToDer(content);
  const outer = new DerReader(bytes);
  const pfx = outer.enter('the file');
  outer.finish('the file');
  const versionAt = pfx.offset;
  const version = pfx.smallInteger('the version', 255);
  if (version !== 3) throw malformed(`The version of PKCS#12 should be 3, not ${version}.`, versionAt);
  const { type, inside } = contentInfo(pfx, 'the authenticated safe');
  if (type !== DATA) throw notSupported('The PKCS#12 file is protected with a signature instead of a passphrase.', 'Ask for one that is protected with a passphrase.');
  const authenticated = inside.octets('the authenticated safe');
  inside.finish('the authenticated safe');
  const mac = pfx.atEnd ? null : readPkcs12Mac(pfx.enter('the MAC'));
  pfx.finish('the file');
  const safes = readSafes(authenticated);
  const encryption = safes.flatMap(({ encrypted }) => (encrypted === null ? [] : [encrypted.name]));
  return { mac, encryption, needsPassphrase: mac !== null || encryption.length > 0, open: (passphrase, signal, spending = new Spending()) => open(mac, authenticated, safes, passphrase, signal, spending) };
}

function contentInfo(reader: DerReader, what: string): { type: string; inside: DerReader } {
  const info = reader.enter(what);
  const type = info.oid(`the type of ${what}`);
  const inside = info.enter(`the content of ${what}`, contextTag(0));
  info.finish(what);
  return { type, inside };
}

function readSafes(authenticated: Uint8Array): Safe[] {
  return within('in the authenticated safe', () => {
    const outer = new DerReader(berToDer(authenticated));
    const list = outer.enter('the authenticated safe');
    outer.finish('the authenticated safe');
    const safes: Safe[] = [];
    while (!list.atEnd) {
      if (safes.length === MAX_SAFES) throw malformed(`The file has more than ${MAX_SAFES} safes.`, list.offset);
      const { type, inside } = contentInfo(list, 'a safe');
      if (type === DATA) safes.push({ encrypted: null, plain: inside.octets('the content of a safe') });
      else if (type === ENCRYPTED_DATA) safes.push({ encrypted: readEncryptedData(inside.enter('the encrypted safe')), plain: new Uint8Array() });
      else throw notSupported('A safe of the PKCS#12 file is encrypted to a certificate instead of a passphrase.', 'Ask for one that is protected with a passphrase.');
      inside.finish('a safe');
    }
    return safes;
  });
}

/** EncryptedData (RFC 5652 §8), version 0: its EncryptedContentInfo. */
function readEncryptedData(data: DerReader): EncryptedPkcs8 {
  data.smallInteger('the version of the encrypted safe', 2);
  const info = data.enter('the encrypted content');
  info.oid('the type of the encrypted content');
  const scheme = readEncryptionScheme(info);
  const { offset } = info;
  const encrypted = info.peek() === contextTag(0) ? joined(info.enter('the encrypted data', contextTag(0))) : info.octets('the encrypted data', contextPrimitive(0));
  info.finish('the encrypted content');
  return checkedBlocks({ ...scheme, encrypted }, offset);
}

/** BER allows an OCTET STRING in pieces, here under an implicit tag. */
function joined(pieces: DerReader): Uint8Array {
  const found: Uint8Array[] = [];
  while (!pieces.atEnd) found.push(pieces.octets('a piece of the encrypted data'));
  return Buffer.concat(found);
}

/** What one call may cost and hold. */
class Opening {
  readonly passphrase: Uint8Array | null;
  readonly signal: AbortSignal;
  readonly bags: Pkcs12Bag[] = [];
  readonly #spending: Spending;
  #seen = 0;

  constructor(passphrase: Uint8Array | null, signal: AbortSignal, spending: Spending) {
    this.passphrase = passphrase;
    this.signal = signal;
    this.#spending = spending;
  }

  async decrypt(encrypted: EncryptedPkcs8): Promise<Buffer> {
    this.#spending.spend(encrypted.cost);
    const plain = await openEncrypted(encrypted, this.passphrase, this.signal);
    if (isWhole(plain)) return plain;
    plain.fill(0);
    throw wrongPassphrase();
  }

  next(offset: number): string {
    if ((this.#seen += 1) > MAX_BAGS) throw malformed(`The file has more than ${MAX_BAGS} bags.`, offset);
    return `bag ${this.#seen}`;
  }
}

async function open(mac: Pkcs12Mac | null, authenticated: Uint8Array, safes: readonly Safe[], passphrase: Uint8Array, signal: AbortSignal, spending: Spending): Promise<Pkcs12Bag[]> {
  spending.spend(mac?.rounds ?? 0);
  let used: Uint8Array | null = passphrase;
  if (mac !== null && !(await mac.fits(authenticated, used, signal))) {
    // No password is written in two ways: as one of no characters, and as none at all (RFC 7292 B.1 knows the first alone).
    used = null;
    if (passphrase.length > 0 || !(await mac.fits(authenticated, used, signal))) throw wrongPassphrase();
  }
  const opening = new Opening(used, signal, spending);
  try {
    for (const [index, { encrypted, plain }] of safes.entries()) {
      const content = encrypted === null ? plain : await opening.decrypt(encrypted);
      try {
        await within(`in safe ${index + 1}${encrypted === null ? '' : ', decrypted'}`, () => readBags(berToDer(content), opening, 0));
      } finally {
        if (encrypted !== null) content.fill(0);
      }
    }
    return opening.bags;
  } catch (thrown) {
    wipeBags(opening.bags);
    throw thrown;
  }
}

/** Overwrites the private and secret keys in the bags with zeros. */
export function wipeBags(bags: readonly Pkcs12Bag[]): void {
  for (const bag of bags) {
    if (bag.kind === 'key') bag.pkcs8.fill(0);
    if (bag.kind === 'secret') bag.value.fill(0);
  }
}

async function readBags(bytes: Uint8Array, opening: Opening, depth: number, from = 0, to = bytes.length): Promise<void> {
  if (depth > MAX_NESTING) throw malformed(`Bags nest deeper than ${MAX_NESTING} levels.`, from);
  const outer = new DerReader(bytes, from, to);
  const list = outer.enter('the bags');
  outer.finish('the bags');
  while (!list.atEnd) {
    opening.signal.throwIfAborted();
    const place = opening.next(list.offset);
    const bag = list.enter('a bag');
    const type = bag.oid('the type of a bag');
    const valueElement = bag.next('the content of a bag', contextTag(0));
    const facts = { place, ...readAttributes(bag) };
    bag.finish('a bag');
    const value = bag.inside(valueElement);
    if (type === `${BAG}.6`) await readBags(bytes, opening, depth + 1, valueElement.from, valueElement.to);
    else opening.bags.push(await readBag(type, value, facts, opening));
  }
}

async function readBag(type: string, value: DerReader, { trusted, ...facts }: BagFacts & { trusted: boolean }, opening: Opening): Promise<Pkcs12Bag> {
  const whole = (element: DerElement): Buffer => Buffer.from(value.bytes.subarray(element.offset, element.to));
  if (type === `${BAG}.1`) return { kind: 'key', ...facts, pkcs8: whole(value.next('the key', TAG.sequence)), encryption: null };
  if (type === `${BAG}.2`) {
    const encrypted = parseEncryptedPkcs8(whole(value.next('the encrypted key', TAG.sequence)));
    return { kind: 'key', ...facts, pkcs8: await opening.decrypt(encrypted), encryption: encrypted.name };
  }
  if (![3, 4, 5].some((number) => type === `${BAG}.${number}`)) return { kind: 'unknown', ...facts, type };
  const inside = value.enter('the content of a bag');
  const inner = inside.oid('the type of what is in the bag');
  const holder = inside.enter('what is in the bag', contextTag(0));
  if (type === `${BAG}.5`) return { kind: 'secret', ...facts, type: inner, value: Buffer.from(holder.bytes.subarray(holder.offset, holder.end)) };
  if (inner !== X509 && inner !== X509_CRL) return { kind: 'unknown', ...facts, type: inner };
  const der = Uint8Array.from(holder.octets('what is in the bag'));
  return type === `${BAG}.3` ? { kind: 'certificate', ...facts, der, trusted } : { kind: 'crl', ...facts, der };
}

function readAttributes(bag: DerReader): { trusted: boolean; friendlyName?: string; localKeyId?: string } {
  const found: { trusted: boolean; friendlyName?: string; localKeyId?: string } = { trusted: false };
  const set = bag.optional('the attributes', TAG.set);
  if (set === undefined) return found;
  const attributes = bag.inside(set);
  while (!attributes.atEnd) {
    const attribute = attributes.enter('an attribute');
    const type = attribute.oid('the type of an attribute');
    const values = attribute.enter('the values of an attribute', TAG.set);
    if (values.atEnd) continue;
    if (type === FRIENDLY_NAME) {
      const name = bmpText(values.octets('the friendly name', 0x1e)).slice(0, 200);
      if (name.trim() !== '') found.friendlyName = name;
    } else if (type === LOCAL_KEY_ID) found.localKeyId = Buffer.from(values.octets('the local key id')).subarray(0, 64).toString('hex');
    else if (type === JAVA_TRUST) found.trusted = true;
  }
  return found;
}

/** Under a wrong passphrase, one padding in 256 is right by chance. */
function isWhole(plain: Uint8Array): boolean {
  try {
    berToDer(plain);
    return plain[0] === TAG.sequence;
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return false;
    throw thrown;
  }
}
