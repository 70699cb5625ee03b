import { X509Certificate } from 'node:crypto';
import type { PinPolicy, TouchPolicy } from '../../contract/index.ts';
import { contextTag, DerReader, TAG } from '../../formats/der.ts';
import { formFactorName } from './discovery.ts';
import { versionText, type Version } from './firmware.ts';
import { pinPolicyOf, touchPolicyOf } from './piv.ts';

/** What an attestation certificate says of a key, in Yubico's extensions (https://developers.yubico.com/PIV/Introduction/PIV_attestation.html). */
export interface AttestedFacts {
  /** SPKI, DER. */
  readonly publicKey: Uint8Array;
  readonly firmware: string | null;
  readonly serial: string | null;
  readonly pinPolicy: PinPolicy;
  readonly touchPolicy: TouchPolicy;
  readonly formFactor: string | null;
  readonly fips: boolean;
  readonly cspn: boolean;
}

const YUBICO = '1.3.6.1.4.1.41482.3';

/** @param certificate X.509, DER. @returns undefined when it is none that can be read; facts that it lacks are null or `unknown`. */
export function attestedFacts(certificate: Uint8Array): AttestedFacts | undefined {
  try {
    const publicKey = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
    const extensions = extensionsOf(certificate);
    const firmware = extensions.get(`${YUBICO}.3`);
    const [pin, touch] = extensions.get(`${YUBICO}.8`) ?? [];
    const form = extensions.get(`${YUBICO}.9`)?.[0];
    return {
      publicKey, firmware: firmware?.length === 3 ? versionText([...firmware] as unknown as Version) : null, serial: serialOf(extensions.get(`${YUBICO}.7`)), pinPolicy: pinPolicyOf(pin), touchPolicy: touchPolicyOf(touch),
      formFactor: form === undefined ? null : formFactorName(form), fips: extensions.has(`${YUBICO}.10`), cspn: extensions.has(`${YUBICO}.11`),
    };
  } catch {
    return undefined;
  }
}

function serialOf(value: Uint8Array | undefined): string | null {
  return value === undefined ? null : new DerReader(value).integer('the serial number').toString();
}

/** @returns what the OCTET STRING of each extension holds, by OID (RFC 5280 §4.2). @throws INVALID_INPUT */
function extensionsOf(certificate: Uint8Array): Map<string, Uint8Array> {
  const body = new DerReader(certificate).enter('the certificate').enter('its body');
  const found = new Map<string, Uint8Array>();
  while (!body.atEnd) {
    const element = body.next('a part of the certificate');
    if (element.tag !== contextTag(3)) continue;
    const list = body.inside(element).enter('the extensions');
    while (!list.atEnd) {
      const extension = list.enter('an extension');
      const oid = extension.oid('its identifier');
      extension.optional('whether it is critical', TAG.boolean);
      found.set(oid, extension.octets('its value'));
    }
  }
  return found;
}
