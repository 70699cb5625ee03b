import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { der, derBits, derInteger, derNull, derOid, derSequence, contextTag, TAG } from '../../../app/formats/der.ts';
import { writePem } from '../../../app/formats/pem.ts';
import { StatusWord, SW, type Command } from '../apdu.ts';
import { readTlvs, tlv } from '../tlv.ts';
import { atLeast, type Model } from './model.ts';
import { ATTESTATION_CERTIFICATE, isKeySlot, ORIGIN, SLOT, type Piv } from './state.ts';

const YUBICO = '1.3.6.1.4.1.41482.3';
const UTC_TIME = 0x17;
const GENERALIZED_TIME = 0x18;
/** As in real ones; the end is past 2049 and so a GeneralizedTime (RFC 5280 §4.1.2.5). */
const VALIDITY = derSequence(der(UTC_TIME, Buffer.from('160314000000Z')), der(GENERALIZED_TIME, Buffer.from('20520417000000Z')));

interface Extension {
  readonly oid: string;
  readonly critical?: boolean;
  /** What the OCTET STRING holds. */
  readonly value: Uint8Array;
}

interface CertificateParts {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly validity: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Extension[];
  readonly signer: KeyObject;
}

function commonName(name: string): Buffer {
  return derSequence(der(TAG.set, derSequence(derOid('2.5.4.3'), der(TAG.utf8String, Buffer.from(name)))));
}

function positiveSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] as number) | 0x80;
  return derInteger(BigInt(`0x${bytes.toString('hex')}`));
}

/** @returns a certificate (RFC 5280 §4.1), signed with SHA-256. */
function makeCertificate({ subject, issuer, validity, publicKey, extensions, signer }: CertificateParts): Buffer {
  const algorithm = signer.asymmetricKeyType === 'rsa' ? derSequence(derOid('1.2.840.113549.1.1.11'), derNull()) : derSequence(derOid('1.2.840.10045.4.3.2'));
  const list = extensions.map(({ oid, critical, value }) =>
    derSequence(derOid(oid), ...(critical === true ? [der(TAG.boolean, Buffer.of(0xff))] : []), der(TAG.octetString, value)));
  const body = derSequence(
    der(contextTag(0), derInteger(2n)), positiveSerial(), algorithm, issuer, validity, subject,
    publicKey.export({ format: 'der', type: 'spki' }), der(contextTag(3), derSequence(...list)),
  );
  return derSequence(body, algorithm, derBits(sign('sha256', body, signer)));
}

/** An authority of the test's own, in the place of Yubico's: products must be told its root, and never ship it. */
export class AttestationAuthority {
  /** Of the root, PEM. */
  readonly root: string;
  /** Of the intermediate that stands between the root and devices from firmware 5.7.4 on, PEM. No card holds it. */
  readonly intermediate: string;
  readonly #rootKey = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #intermediateKey = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  /** Many devices share a key and a certificate, as those of one production batch do. */
  readonly #batches = new Map<string, { key: KeyObject; publicKey: KeyObject; certificate: Buffer }>();
  readonly #rootName: Buffer;
  readonly #intermediateName: Buffer;

  constructor(name = 'Test PIV Attestation') {
    this.#rootName = commonName(`${name} Root`);
    this.#intermediateName = commonName(`${name} Intermediate`);
    const authority = (publicKey: KeyObject, subject: Buffer): Buffer => makeCertificate({
      subject, issuer: this.#rootName, validity: VALIDITY, publicKey, signer: this.#rootKey.privateKey,
      extensions: [
        { oid: '2.5.29.14', value: der(TAG.octetString, createHash('sha1').update(publicKey.export({ format: 'der', type: 'spki' })).digest()) },
        { oid: '2.5.29.19', critical: true, value: derSequence(der(TAG.boolean, Buffer.of(0xff))) },
        { oid: '2.5.29.15', critical: true, value: der(TAG.bitString, Buffer.of(0x01, 0x06)) },
      ],
    });
    this.root = writePem('CERTIFICATE', authority(this.#rootKey.publicKey, this.#rootName)).toString();
    this.intermediate = writePem('CERTIFICATE', authority(this.#intermediateKey.publicKey, this.#intermediateName)).toString();
  }

  /** @returns key and certificate for the attestation slot of a device of this model. */
  issue({ firmware, has }: Model): { key: KeyObject; publicKey: KeyObject; certificate: Buffer } {
    const batch = this.#batches.get(firmware.join('.'));
    if (batch !== undefined) return batch;
    const { privateKey, publicKey } = has.intermediateAttestation ? generateKeyPairSync('ec', { namedCurve: 'P-384' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
    const basicConstraints = { oid: '2.5.29.19', critical: true, value: derSequence(der(TAG.boolean, Buffer.of(0xff)), derInteger(0n)) };
    const made = {
      key: privateKey,
      publicKey,
      certificate: makeCertificate({
        subject: commonName('Yubico PIV Attestation'), issuer: has.intermediateAttestation ? this.#intermediateName : this.#rootName, validity: VALIDITY, publicKey,
        // Those of the 4 say nothing of being an authority.
        extensions: [{ oid: `${YUBICO}.3`, value: Buffer.from(firmware) }, ...(atLeast(firmware, 5, 0, 0) ? [basicConstraints] : [])],
        signer: has.intermediateAttestation ? this.#intermediateKey.privateKey : this.#rootKey.privateKey,
      }),
    };
    this.#batches.set(firmware.join('.'), made);
    return made;
  }
}

let shared: AttestationAuthority | undefined;

/** @returns the authority that cards of this process have unless they are given another. */
export function testAuthority(): AttestationAuthority {
  shared ??= new AttestationAuthority();
  return shared;
}

/** Yubico's ATTEST, from firmware 4.3: a certificate for a key that was made on the device, signed in slot f9. */
export function attest(piv: Piv, { p1, p2 }: Command): Buffer {
  const key = isKeySlot(piv.model, p1) ? piv.memory.keys.get(p1) : undefined;
  if (p2 !== 0) throw new StatusWord(SW.wrongParameters);
  if (key === undefined || key.origin !== ORIGIN.generated || p1 === SLOT.attestation) throw new StatusWord(SW.wrongData);
  const signer = piv.memory.keys.get(SLOT.attestation)?.privateKey;
  const issuer = issuerIn(piv.memory.objects.get(ATTESTATION_CERTIFICATE));
  if (signer === undefined || issuer === undefined || (signer.asymmetricKeyType !== 'rsa' && signer.asymmetricKeyType !== 'ec')) throw new StatusWord(SW.wrongData);
  const { model, serial, formFactor } = piv;
  return makeCertificate({
    subject: commonName(`YubiKey PIV Attestation ${p1.toString(16)}`), issuer: issuer.subject, validity: issuer.validity, publicKey: key.publicKey, signer,
    extensions: [
      { oid: `${YUBICO}.3`, value: Buffer.from(model.firmware) },
      ...(model.has.serialInAttestation ? [{ oid: `${YUBICO}.7`, value: derInteger(BigInt(serial)) }] : []),
      { oid: `${YUBICO}.8`, value: Buffer.of(key.pinPolicy, key.touchPolicy) },
      ...(model.has.serialInAttestation ? [{ oid: `${YUBICO}.9`, value: Buffer.of(formFactor) }] : []),
    ],
  });
}

/** @returns subject and validity of the certificate in the attestation slot's object, or undefined when there is none to read. */
function issuerIn(object: Buffer | undefined): { subject: Buffer; validity: Buffer } | undefined {
  try {
    const certificate = readTlvs(object ?? Buffer.alloc(0)).find(({ tag }) => tag === 0x70)?.value ?? Buffer.alloc(0);
    const body = readTlvs(readTlvs(readTlvs(certificate)[0]?.value ?? Buffer.alloc(0))[0]?.value ?? Buffer.alloc(0));
    // Version, serial number, signature algorithm, issuer, validity, subject.
    const [, , , , validity, subject] = body;
    if (validity === undefined || subject === undefined) return undefined;
    return { validity: tlv(validity.tag, validity.value), subject: tlv(subject.tag, subject.value) };
  } catch {
    return undefined;
  }
}
