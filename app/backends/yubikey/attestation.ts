import { X509Certificate } from 'node:crypto';
import { KeywrightError, type PinPolicy, type TouchPolicy } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import { statusError, SW } from '../../devices/index.ts';
import type { Attestation } from '../../keystore/tokens.ts';
import { attestedFacts, type AttestedFacts } from './attested.ts';
import { decodeCertificate } from './certificates.ts';
import { getObject } from './objects.ts';
import { ATTESTATION_SLOT, INS, type Slot } from './piv.ts';
import { reading } from './session.ts';
import { YUBICO_INTERMEDIATES, YUBICO_ROOTS } from './roots.ts';
import { readSlot } from './slots.ts';
import type { YubiKey } from './yubikey.ts';

/**
 * Yubico's ATTEST (from 4.3): the token vouches that a key was made in it, and its maker vouches for the token. The chain is checked
 * here, without a network: each signature up to a root that is built in. It is not path validation by RFC 5280 §6, which refuses
 * genuine tokens: those of 2018 do not say that they are an authority.
 */

export interface Authorities {
  readonly roots: readonly X509Certificate[];
  readonly intermediates: readonly X509Certificate[];
}

/** @param further roots from the instance's configuration, DER. */
export function authorities(further: readonly Uint8Array[] = []): Authorities {
  const read = (list: readonly string[]): X509Certificate[] => list.map((base64) => new X509Certificate(Buffer.from(base64, 'base64')));
  const own = further.map((der) => new X509Certificate(der));
  const isRoot = (certificate: X509Certificate): boolean => certificate.subject === certificate.issuer;
  // What is configured may be a whole chain: what is not self-signed stands between.
  return { roots: [...read(YUBICO_ROOTS), ...own.filter(isRoot)], intermediates: [...read(YUBICO_INTERMEDIATES), ...own.filter((certificate) => !isRoot(certificate))] };
}

/** @throws CAPABILITY_MISSING when the key was not made in the token; NOT_FOUND when there is none. */
export async function attest(key: YubiKey, slot: Slot): Promise<Attestation> {
  if (slot === ATTESTATION_SLOT) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'Slot f9 holds the key that attests others; nothing in the token attests it.', remedy: 'Name another slot.' });
  const facts = await readSlot(key, slot);
  if (facts.state === 'empty' || facts.state === 'certificate-only') throw new KeywrightError('NOT_FOUND', { detail: `There is no key in slot ${slot.name} of ${key.title}.`, remedy: 'Make one there first.' });
  const { statement, device } = await key.session.run(async (piv) => {
    const { data, sw } = await piv.transmit({ ins: INS.attest, p1: slot.reference, le: 0 });
    if (sw === SW.wrongData || sw === SW.notFound || sw === SW.fileNotFound || sw === SW.conditions) {
      throw statusError(sw, 'Nothing was attested', {
        code: 'CAPABILITY_MISSING', detail: facts.key?.madeOnDevice === false ? `The key in slot ${slot.name} was imported: a token attests only keys that were made in it.` : `${key.title} attests nothing for slot ${slot.name}: its key was not made there, or slot f9 lost its own.`,
        remedy: 'Make a key in the token.',
      });
    }
    if (sw !== SW.ok) throw statusError(sw, 'Nothing was attested');
    const object = await getObject(piv, ATTESTATION_SLOT.certificate);
    return { statement: data, device: object === undefined ? undefined : reading('The certificate in slot f9 cannot be read', () => decodeCertificate(object)) };
  });
  return judge(statement, device, authorities(await key.options.furtherRoots()), facts.key?.certain === true ? facts.key.publicKey : undefined);
}

/**
 * @param statement the attestation of a key, X.509, DER. @param device the token's own certificate, from slot f9.
 * @param publicKey SPKI of the key that is meant, where it is known from elsewhere.
 */
export function judge(statement: Uint8Array, device: Uint8Array | undefined, { roots, intermediates }: Authorities, publicKey?: Uint8Array): Attestation {
  const problems: string[] = [];
  const chain: Uint8Array[] = [statement];
  const facts = attestedFacts(statement);
  const leaf = certificateIn(statement);
  if (facts === undefined || leaf === undefined) return { verified: false, statements: [], problems: ['What the token gave is no certificate.'], chain, chainFormat: 'x509' };
  if (publicKey !== undefined && !Buffer.from(facts.publicKey).equals(publicKey)) problems.push(`It is for another key (${fingerprint(facts.publicKey)}) than the one in the slot (${fingerprint(publicKey)}).`);
  let current = device === undefined ? undefined : certificateIn(device);
  if (current === undefined) problems.push('The token has no certificate of its own (slot f9), so that nothing tells whose token it is.');
  else {
    chain.push(current.raw);
    if (!isSignedBy(leaf, current)) problems.push('It was not signed by this token’s attestation key.');
  }
  // From the device's certificate up: at most two authorities stand between it and its root.
  for (let step = 0; current !== undefined && step < 4; step++) {
    const below: X509Certificate = current;
    const root = roots.find((candidate) => isSignedBy(below, candidate));
    if (root !== undefined) {
      chain.push(root.raw);
      return { verified: problems.length === 0, statements: sentences(facts), problems, chain, chainFormat: 'x509' };
    }
    current = intermediates.find((candidate) => isSignedBy(below, candidate));
    if (current === undefined) problems.push(`Nobody that is known here vouches for the token: its certificate was issued by “${nameOf(below.issuer)}”.`);
    else chain.push(current.raw);
  }
  return { verified: false, statements: sentences(facts), problems, chain, chainFormat: 'x509' };
}

/** Names and signature alone. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.issuer === issuer.subject && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function certificateIn(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

const nameOf = (distinguished: string): string => distinguished.replaceAll('\n', ', ');

const PIN_WORDS: Readonly<Record<PinPolicy, string>> = {
  never: 'The key acts without the PIN.', once: 'The PIN is asked for once in each session.', always: 'The PIN is asked for at each use.', match: 'A fingerprint is asked for.',
  'match-once': 'A fingerprint, or the PIN, is asked for once in each session.', 'match-always': 'A fingerprint, or the PIN, is asked for at each use.', unknown: 'When the PIN is asked for is not said.',
};
const TOUCH_WORDS: Readonly<Record<TouchPolicy, string>> = {
  never: 'No touch is needed.', always: 'Each use needs a touch.', cached: 'A use needs a touch, which counts for 15 seconds.', unknown: 'Whether a touch is needed is not said.',
};

function sentences({ firmware, serial, pinPolicy, touchPolicy, formFactor, fips, cspn }: AttestedFacts): string[] {
  return [
    `The key was made in a YubiKey${firmware === null ? '' : ` with firmware ${firmware}`} and has never left it.`,
    ...(serial === null ? ['The serial number is not said.'] : [`Its serial number is ${serial}.`]),
    PIN_WORDS[pinPolicy], TOUCH_WORDS[touchPolicy],
    ...(formFactor === null ? [] : [`Form factor: ${formFactor}.`]),
    ...(fips ? ['It is a FIPS model.'] : []),
    ...(cspn ? ['It is a CSPN model.'] : []),
  ];
}
