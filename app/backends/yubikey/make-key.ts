import { KEY_ALGORITHMS, KeywrightError, type KeyAlgorithmName } from '../../contract/index.ts';
import { parseTlv, SW, statusError, tlv } from '../../devices/index.ts';
import { fromBigInt } from '../../formats/der.ts';
import { fingerprint, publicOfPkcs8 } from '../../formats/index.ts';
import { parsePkcs8, type PrivateParts } from '../../formats/private-parts.ts';
import type { GenerateKey, KeyCall, KeyDescription, KeyMaterial } from '../../keystore/keystore.ts';
import { confirmDestruction, typedFingerprint } from '../../keystore/token-prompts.ts';
import { assertAllUsages, assertUsages } from '../software/refusals.ts';
import { firmwareFor } from './firmware.ts';
import { asManager } from './management-key.ts';
import { ALGORITHM_REFERENCES, ATTESTATION_SLOT, INS, isPivAlgorithm, pinPolicyCode, publicKeyOf, touchPolicyCode, type PivAlgorithm, type Slot } from './piv.ts';
import { putObject } from './objects.ts';
import { reading, type PivChannel } from './session.ts';
import { describe, keepKey, keyIn, readSlot, type SlotFacts, type SlotKey } from './slots.ts';
import type { YubiKey } from './yubikey.ts';

/** Keys come into slots: made there, or taken in. */

type Request = Pick<GenerateKey, 'slot' | 'pinPolicy' | 'touchPolicy' | 'usages' | 'extractable' | 'passphrase'>;

/** GENERATE ASYMMETRIC KEY PAIR (SP 800-73-4 part 2 §3.3.2). @throws CAPABILITY_MISSING, INVALID_INPUT, and what {@link asManager} does */
export async function generate(key: YubiKey, request: GenerateKey, call: KeyCall): Promise<KeyDescription> {
  const algorithm = assertAlgorithm(key, request.algorithm);
  assertRequest(key, algorithm, request);
  if (key.gates.weakRsa && KEY_ALGORITHMS[algorithm].family === 'rsa') {
    throw new KeywrightError('CAPABILITY_MISSING', {
      detail: `RSA keys that firmware ${key.facts.firmware} makes can be factored (ROCA, CVE-2017-15361).`, remedy: 'Make an EC key, or make the RSA key elsewhere and import it. Yubico replaces such tokens.',
      alternatives: key.gates.algorithms.filter((name) => KEY_ALGORITHMS[name].family !== 'rsa'),
    });
  }
  return put(key, request, algorithm, true, 'Make a key', call, async (piv, slot) => {
    const template = tlv(0xac, tlv(0x80, Buffer.of(ALGORITHM_REFERENCES[algorithm])), policyTags(request));
    const { data, sw } = await piv.transmit({ ins: INS.generate, p2: slot.reference, data: template, le: 0 });
    if (sw !== SW.ok) throw refusedKey(sw, `The key in slot ${slot.name} was not made`, key, algorithm);
    return reading('The public key of the new key cannot be read', () => publicKeyOf(algorithm, parseTlv(data, 0x7f49, 'the answer')));
  });
}

/** Yubico's IMPORT ASYMMETRIC KEY. */
export async function importKey(key: YubiKey, request: Omit<GenerateKey, 'algorithm'>, material: KeyMaterial, call: KeyCall): Promise<KeyDescription> {
  const algorithm = assertAlgorithm(key, material.algorithm);
  assertRequest(key, algorithm, request);
  const publicKey = publicOfPkcs8(material.secret.reveal());
  const parts = importParts(algorithm, parsePkcs8(material.secret.reveal()));
  try {
    return await put(key, request, algorithm, false, 'Import a key', call, async (piv, slot) => {
      const data = Buffer.concat([parts, policyTags(request)]);
      try {
        const { sw } = await piv.transmit({ ins: INS.importKey, p1: ALGORITHM_REFERENCES[algorithm], p2: slot.reference, data });
        if (sw !== SW.ok) throw refusedKey(sw, `The key was not taken into slot ${slot.name}`, key, algorithm);
      } finally {
        data.fill(0);
      }
      return publicKey;
    });
  } finally {
    parts.fill(0);
  }
}

async function put(key: YubiKey, request: Request, algorithm: PivAlgorithm, made: boolean, title: string, call: KeyCall, work: (piv: PivChannel, slot: Slot) => Promise<Uint8Array>): Promise<KeyDescription> {
  const slot = request.slot === undefined ? await freeSlot(key, algorithm) : key.slot(request.slot);
  const before = await readSlot(key, slot);
  await confirmOverwriting(key, before, call);
  try {
    const publicKey = await asManager(key, { title: `${title} in slot ${slot.name}`, place: slot.title, late: `key ${made ? 'made' : 'taken'} in ${key.uriOf(slot)}` }, call, async (piv) => {
      const own = await work(piv, slot);
      // Without metadata a certificate stands for its slot's key: one of the key before must not.
      if (!key.discovered.hasMetadata && before.certificate !== null && !isFor(before.certificate, own)) await putObject(piv, slot.certificate, new Uint8Array(0), `The former certificate of slot ${slot.name} was not deleted`);
      return own;
    });
    key.slots.delete(slot.name);
    const now = (await readSlot(key, slot)).key;
    const told = now !== null && Buffer.from(now.publicKey).equals(publicKey) ? now : undefined;
    const held: SlotKey = {
      algorithm, publicKey, createdAt: new Date().toISOString(), certain: told?.certain ?? false, madeOnDevice: made,
      pinPolicy: told === undefined || told.pinPolicy === 'unknown' ? (request.pinPolicy ?? 'unknown') : told.pinPolicy,
      touchPolicy: told === undefined || told.touchPolicy === 'unknown' ? (request.touchPolicy ?? 'unknown') : told.touchPolicy,
    };
    await keepKey(key, slot, held, call.unit);
    key.slots.set(slot.name, { slot, state: told?.certain === true ? 'key' : 'unknown', key: held, note: null, certificate: key.slots.get(slot.name)?.certificate ?? null });
    return describe(key, { slot }, held);
  } finally {
    key.options.onChange();
  }
}

function isFor(certificate: Uint8Array, publicKey: Uint8Array): boolean {
  return Buffer.from(keyIn(certificate)?.publicKey ?? new Uint8Array(0)).equals(publicKey);
}

/**
 * Before a slot is written that holds a key, or may: that key would be lost for good.
 * @throws CANCELLED, INVALID_INPUT, PIN_REQUIRED: nothing has happened then.
 */
export async function confirmOverwriting(key: YubiKey, { slot, state, key: held, note }: SlotFacts, call: KeyCall): Promise<void> {
  if (state === 'empty' || state === 'certificate-only') return;
  const name = held === null ? `slot ${slot.name}` : typedFingerprint(fingerprint(held.publicKey));
  await confirmDestruction({
    title: `Destroy the key in slot ${slot.name}`, token: key.title, action: 'Destroy it', typed: name,
    note: held !== null ? `${state === 'unknown' ? 'There may be' : 'There is'} an ${held.algorithm} key in it (${fingerprint(held.publicKey)}). It would be overwritten, and nothing brings it back.`
      : state === 'unsupported' ? `There is a key in it (${note ?? 'of an unknown kind'}). It would be overwritten, and nothing brings it back.`
        : `Firmware ${key.facts.firmware} does not tell whether there is a key in it. If there is, it would be overwritten, and nothing brings it back.`,
  }, call);
}

/** @returns the first slot that is free for sure. @throws CAPABILITY_MISSING when the device tells of none */
async function freeSlot(key: YubiKey, algorithm: PivAlgorithm): Promise<Slot> {
  // Not 9e, whose keys act without a PIN, and not f9. What cannot sign is for key management.
  const order = key.gates.slots.filter((slot) => slot.name !== '9e' && slot !== ATTESTATION_SLOT);
  const first = algorithm === 'x25519' ? '9d' : '9a';
  for (const slot of [...order].sort((a, b) => Number(b.name === first) - Number(a.name === first))) {
    if ((key.slots.get(slot.name) ?? await readSlot(key, slot)).state === 'empty') return slot;
  }
  const told = key.discovered.hasMetadata;
  throw new KeywrightError('CAPABILITY_MISSING', {
    detail: told ? `No slot of ${key.title} is free.` : `Firmware ${key.facts.firmware} does not tell which slots are free.`, remedy: 'Name a slot with --slot.', alternatives: order.map(({ name }) => name),
  });
}

function assertAlgorithm(key: YubiKey, algorithm: KeyAlgorithmName): PivAlgorithm {
  if (isPivAlgorithm(algorithm) && key.gates.algorithms.includes(algorithm)) return algorithm;
  const since = firmwareFor(algorithm);
  throw new KeywrightError('CAPABILITY_MISSING', {
    detail: `${key.title} has no ${algorithm} keys${since === undefined ? '' : `: they come with firmware ${since}, and this one has ${key.facts.firmware}`}.`,
    remedy: 'Choose one of the algorithms that it has.', alternatives: [...key.gates.algorithms],
  });
}

function assertRequest(key: YubiKey, algorithm: PivAlgorithm, { usages, extractable, passphrase, pinPolicy, touchPolicy }: Request): void {
  assertUsages(algorithm, usages);
  assertAllUsages(algorithm, KEY_ALGORITHMS[algorithm].usages, usages, 'A YubiKey');
  if (extractable) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'No private key leaves a YubiKey.', remedy: 'Leave out --extractable. For a key with a backup, make it in the store and import it into the token.' });
  if (passphrase !== undefined) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'Keys in a YubiKey are protected by its PIN; they have no passphrase of their own.', remedy: 'Leave out the passphrase.' });
  const { pinPolicies, touchPolicies } = key.gates;
  const accepted = pinPolicy === 'match' ? 'match-once' : pinPolicy;
  if (accepted !== undefined && accepted !== 'unknown' && !pinPolicies.includes(accepted)) throw policyMissing(key, 'PIN', accepted, pinPolicies);
  if (touchPolicy !== undefined && touchPolicy !== 'unknown' && !touchPolicies.includes(touchPolicy)) throw policyMissing(key, 'touch', touchPolicy, touchPolicies);
}

function policyMissing(key: YubiKey, kind: 'PIN' | 'touch', policy: string, has: readonly string[]): KeywrightError {
  return new KeywrightError('CAPABILITY_MISSING', {
    detail: has.length === 0 ? `Firmware ${key.facts.firmware} has no ${kind} policies: each slot has its own.` : `${key.title} with firmware ${key.facts.firmware} has no ${kind} policy “${policy}”.`,
    remedy: has.length === 0 ? 'Leave the policy out.' : 'Choose one of the policies named.', alternatives: [...has],
  });
}

/** Yubico's tags for policies; without them a slot's own hold: always in 9c, never in 9e, once else. */
function policyTags({ pinPolicy, touchPolicy }: Request): Buffer {
  return Buffer.concat([
    ...(pinPolicy === undefined || pinPolicy === 'unknown' ? [] : [tlv(0xaa, Buffer.of(pinPolicyCode(pinPolicy)))]),
    ...(touchPolicy === undefined || touchPolicy === 'unknown' ? [] : [tlv(0xab, Buffer.of(touchPolicyCode(touchPolicy)))]),
  ]);
}

/** @returns the numbers that the card wants, each in its tag. The caller wipes them. @throws CAPABILITY_MISSING */
function importParts(algorithm: PivAlgorithm, parts: PrivateParts): Buffer {
  if (parts.kind === 'rsa') {
    if (parts.e !== 65_537n) throw new KeywrightError('CAPABILITY_MISSING', { detail: `A YubiKey takes RSA keys with the public exponent 65537 alone, and this one has ${parts.e}.`, remedy: 'Make a new key with the usual exponent.' });
    const half = KEY_ALGORITHMS[algorithm].bits / 16;
    return Buffer.concat([parts.p, parts.q, parts.dp, parts.dq, parts.qi].map((value, index) => {
      try {
        return tlv(index + 1, fromBigInt(value, half));
      } catch {
        throw new KeywrightError('CAPABILITY_MISSING', { detail: 'The two primes of this RSA key are not of the same length, which no YubiKey takes.', remedy: 'Make a new key.' });
      }
    }));
  }
  if (parts.kind === 'ec') return tlv(0x06, parts.scalar);
  // PKCS#8 has the seed in an OCTET STRING of its own (RFC 8410 §7).
  return tlv(algorithm === 'ed25519' ? 0x07 : 0x08, parseTlv(parts.secret, 0x04, 'the private key'));
}

function refusedKey(sw: number, what: string, key: YubiKey, algorithm: PivAlgorithm): KeywrightError {
  if (sw !== SW.wrongData && sw !== SW.wrongParameters && sw !== SW.notSupported && sw !== SW.conditions) return statusError(sw, what);
  return statusError(sw, what, {
    code: 'CAPABILITY_MISSING', detail: `${what}: ${key.title} does not take ${algorithm} keys with these policies here.${key.discovered.fips ? ' A FIPS model allows fewer of them.' : ''}`,
    remedy: 'Choose other policies or another algorithm.', alternatives: key.gates.algorithms.filter((name) => name !== algorithm),
  });
}
