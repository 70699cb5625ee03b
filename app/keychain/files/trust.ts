import { type fileOperations, type InputOf, KEY_ALGORITHMS, type KeyAlgorithmFacts } from '../../contract/index.ts';
import { algorithmOfSpki, fingerprint, readPublicKey } from '../../formats/index.ts';
import { isOpenpgpKey, openpgpSigningKeys } from '../../signing/openpgp/keys.ts';
import type { KnownKey, Trust } from '../../signing/format.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { livingVersions, publicKeyOf } from '../handlers/key-records.ts';
import { isPair, type StoredKey } from '../inventory.ts';
import { certificateTrust } from './certificates.ts';
import { securityKeyOfLine } from '../../signing/ssh-signature.ts';
import type { SignatureFormatFacts } from '../../signing/table.ts';

type VerifyInput = InputOf<typeof fileOperations.verify>;

/** @returns whom a call trusts: the key that it names and no other, else every key held here that can have signed. */
export async function trustOf(input: VerifyInput, format: Pick<SignatureFormatFacts, 'certificates'>, context: Context): Promise<Trust> {
  const { algorithm, encoding, namespace, allowedSigners, identity } = input;
  const certificates = format.certificates === undefined ? undefined : await certificateTrust(input, format.certificates === true, context);
  return {
    ...(certificates === undefined ? {} : { certificates }), ...(input.roots === undefined ? {} : { rootsNamed: true }),
    keys: await keysOf(input, context), named: input.key !== undefined || input.publicKey !== undefined, at: input.at === undefined ? new Date() : new Date(input.at),
    ...(algorithm === undefined ? {} : { algorithm }), ...(encoding === undefined ? {} : { encoding }), ...(namespace === undefined ? {} : { namespace }),
    ...(allowedSigners === undefined ? {} : { allowedSigners }), ...(identity === undefined ? {} : { identity }),
  };
}

async function keysOf(input: VerifyInput, context: Context): Promise<KnownKey[]> {
  if (input.publicKey !== undefined) {
    const named = isOpenpgpKey(input.publicKey) ? await openpgpSigningKeys(input.publicKey, input.at === undefined ? new Date() : new Date(input.at)) : [securityKeyOfLine(input.publicKey) ?? readPublicKey(input.publicKey).spki];
    return named.map((spki) => ({ uri: null, label: null, version: null, algorithm: algorithmOfSpki(spki), fingerprint: fingerprint(spki), source: 'named', distrust: null, spki: async () => spki }));
  }
  if (input.key === undefined) return [...context.session.inventory.all()].filter((key) => isPair(key) && key.usages.includes('verify') && key.trashedUntil === null).flatMap((key) => versionsOf(key, 'held', context));
  assertCapable(context.key, 'verify');
  return versionsOf(context.key, 'named', context);
}

function versionsOf(key: StoredKey, source: KnownKey['source'], context: Context): KnownKey[] {
  const distrust = key.state === 'compromised' ? `“${key.label}” is marked as compromised: somebody else may have made this signature.` : null;
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[key.algorithm];
  if (!facts.usages.includes('verify')) return [];
  return livingVersions(key).flatMap(({ version, fingerprint: print }) =>
    (print === null ? [] : [{ uri: key.uri, label: key.label, version, algorithm: key.algorithm, fingerprint: print, source, distrust, spki: () => publicKeyOf(key, context, version) }]));
}
