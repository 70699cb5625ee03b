import { generateKeyPairSync, sign } from 'node:crypto';
import { derOid } from '../../../app/formats/der.ts';
import { readTlvs, tlv } from '../tlv.ts';
import { CURVES, domainObjects, domainOf, type Curve } from './curves.ts';
import { pointOf, type CardKey } from './keys.ts';

/** Card verifiable certificates (TR-03110 part 3 §C.1, §D.2) as the SmartCard-HSM and its makers write them. */

export const RSA_SHA256 = '0.4.0.127.0.7.2.2.2.1.2';
export const ECDSA_SHA256 = '0.4.0.127.0.7.2.2.2.2.3';
/** CardContact's role of a device, in the authorisation template. */
const ROLE = '1.3.6.1.4.1.24991.3.1.1';
const HOLDER = { root: 0xc0, issuer: 0x80, device: 0x00 } as const;

/** @param withDomain left out below a root: the domain parameters are the root's. */
function publicKeyObject(key: CardKey, withDomain: boolean): Buffer {
  if (key.curve === undefined) {
    const [modulus, exponent] = readTlvs(readTlvs(key.publicKey.export({ type: 'pkcs1', format: 'der' }))[0]?.value ?? Buffer.alloc(0)).map(({ value }) => (value[0] === 0 ? value.subarray(1) : value));
    return tlv(0x7f49, derOid(RSA_SHA256), tlv(0x81, modulus ?? Buffer.alloc(0)), tlv(0x82, exponent ?? Buffer.alloc(0)));
  }
  return tlv(
    0x7f49, derOid(ECDSA_SHA256), ...(withDomain ? [domainObjects(key.curve)] : []), tlv(0x86, pointOf(key)), ...(withDomain ? [tlv(0x87, domainOf(key.curve).cofactor)] : []),
  );
}

/** Plain signatures (TR-03111 §5.2.1): r and s, as long as the order each. */
function signed(key: CardKey, content: Buffer): Buffer {
  return tlv(0x5f37, key.curve === undefined ? sign('sha256', content, key.privateKey) : sign('sha256', content, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }));
}

const date = (digits: string): Buffer => Buffer.from([...digits].map(Number));

function certificate(options: { authority: string; holder: string; key: CardKey; withDomain: boolean; role: keyof typeof HOLDER; signer: CardKey }): Buffer {
  const body = tlv(
    0x7f4e, tlv(0x5f29, Buffer.of(0)), tlv(0x42, Buffer.from(options.authority)), publicKeyObject(options.key, options.withDomain), tlv(0x5f20, Buffer.from(options.holder)),
    tlv(0x7f4c, derOid(ROLE), tlv(0x53, Buffer.of(HOLDER[options.role]))), tlv(0x5f25, date('240101')), tlv(0x5f24, date('391231')),
  );
  return tlv(0x7f21, body, signed(options.signer, body));
}

/**
 * What GENERATE ASYMMETRIC KEY PAIR answers: a request for a certificate, signed with the new key, and around it the signature of the
 * device, which attests that the key was made in it.
 */
export function authenticatedRequest(options: { authority: string; holder: string; key: CardKey; device: { holder: string; key: CardKey } }): Buffer {
  const body = tlv(0x7f4e, tlv(0x5f29, Buffer.of(0)), tlv(0x42, Buffer.from(options.authority)), publicKeyObject(options.key, true), tlv(0x5f20, Buffer.from(options.holder)));
  const inner = Buffer.concat([tlv(0x7f21, body, signed(options.key, body)), tlv(0x42, Buffer.from(options.device.holder))]);
  return tlv(0x67, inner, signed(options.device.key, inner));
}

export interface DeviceIdentity {
  readonly holder: string;
  readonly key: CardKey;
  /** EF.C_DevAut: the device's certificate, then its issuer's. */
  readonly certificates: Buffer;
}

function newKey(curve: Curve): CardKey {
  return { ...generateKeyPairSync('ec', { namedCurve: curve.name }), curve };
}

/** An authority of the test's own, in CardContact's place: products must be told its root, and never ship it. */
export class SchemeAuthority {
  /** The root's certificate, CVC. */
  readonly root: Buffer;
  readonly #curve = CURVES.find(({ name }) => name === 'brainpoolP256r1') as Curve;
  readonly #rootKey = newKey(this.#curve);
  readonly #issuerKey = newKey(this.#curve);
  readonly #issuer: Buffer;

  constructor() {
    this.root = certificate({ authority: 'XTSRCA00001', holder: 'XTSRCA00001', key: this.#rootKey, withDomain: true, role: 'root', signer: this.#rootKey });
    this.#issuer = certificate({ authority: 'XTSRCA00001', holder: 'XTDICA00001', key: this.#issuerKey, withDomain: false, role: 'issuer', signer: this.#rootKey });
  }

  /** @param serial what precedes the five digits of the holder's reference: eleven characters at most. */
  issue(serial: string): DeviceIdentity {
    const key = newKey(this.#curve);
    const holder = `${serial}00000`;
    const own = certificate({ authority: 'XTDICA00001', holder, key, withDomain: false, role: 'device', signer: this.#issuerKey });
    return { holder, key, certificates: Buffer.concat([own, this.#issuer]) };
  }
}

let shared: SchemeAuthority | undefined;

/** @returns the authority that cards of this process have unless they are given another. */
export function testScheme(): SchemeAuthority {
  shared ??= new SchemeAuthority();
  return shared;
}
