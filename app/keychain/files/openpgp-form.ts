import { KEY_ALGORITHMS, KeywrightError, type InputOf, type keyOperations } from '../../contract/index.ts';
import { openpgpPublicKey, type ReceivingKey } from '../../signing/openpgp/index.ts';
import { judgeFormat } from '../../signing/table.ts';
import { assertCapable } from '../capabilities.ts';
import type { Context } from '../context.ts';
import { publicKeyOf } from '../handlers/key-records.ts';
import { primary } from '../inventory.ts';
import { keyFor } from './signing.ts';

/**
 * The OpenPGP form of a public key. It is more than the key: a name, which the key itself must sign, so that this read is a use, asks for
 * the permission of one, and is audited as one.
 * @throws PERMISSION_DENIED without keys:use, CAPABILITY_MISSING, and what signing throws
 */
export async function openpgpForm({ userId, openpgp, version, encryptionKey }: InputOf<typeof keyOperations.publicKey>, context: Context): Promise<Uint8Array> {
  const { key, call, session } = context;
  if (!call.principal.permissions.has('keys:use')) throw new KeywrightError('PERMISSION_DENIED', { detail: 'The OpenPGP form of a key holds a name that the key signs, and this caller may not use keys.', remedy: 'Ask for the permission keys:use.' });
  assertCapable(key, 'sign');
  if (version !== undefined && version !== primary(key).version) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'Only the primary version of a key signs, and so has an OpenPGP form.', remedy: 'Leave the version out.' });
  const judged = judgeFormat('openpgp', key.algorithm);
  if ('refused' in judged) throw new KeywrightError('CAPABILITY_MISSING', { ...judged.refused, remedy: 'Choose a key of RSA, ECDSA or Ed25519.' });
  const { key: signer } = await keyFor(context, 'the OpenPGP key', () => ({ purpose: `sign the name in the OpenPGP form of “${key.label}”` }));
  const made = await openpgpPublicKey(signer, userId ?? key.label, { algorithm: judged.algorithms[0]!, ...(openpgp === undefined ? {} : { openpgp }) }, encryptionKey === undefined ? undefined : await receivingKey(encryptionKey, context));
  const { id, principal } = call;
  await session.audit.append({ at: new Date().toISOString(), request: id, principal: principal.id, principalName: principal.name, face: principal.face, operation: 'keys.public', effect: 'use', outcome: 'ok', subjects: [key.uri], detail: 'OpenPGP form' });
  return made;
}

/** @throws CAPABILITY_MISSING for one that could not open what is encrypted for it */
async function receivingKey(reference: string, context: Context): Promise<ReceivingKey> {
  const key = context.session.inventory.resolve(reference);
  context.subject(key.uri);
  assertCapable(key, KEY_ALGORITHMS[key.algorithm].family === 'rsa' ? 'decrypt' : 'agree');
  return { label: key.label, spki: await publicKeyOf(key, context), created: new Date(primary(key).createdAt) };
}
