import { askToConfirm, because, KeywrightError, type KeyRecord } from '../../contract/index.ts';
import { fingerprint, writePublicKey } from '../../formats/index.ts';
import { capabilitiesOf } from '../capabilities.ts';
import { primary, recordOf, stateOf, versionsOf, type StoredKey } from '../inventory.ts';
import { newKeyId, storedKey } from '../stored-key.ts';
import { handlersOf, loadedLater } from './handlers.ts';
import { facet, forgetKey, inToken, keepPublicKeys, mergedVersions, newKeyPassphrase, publicKeyOf, refOf, refuseTrashed, usagesFor, writeKey, writeNewKey } from './key-records.ts';
import { findingsOf } from './key-findings.ts';
import { keyListHandler } from './key-list.ts';

const DAY = 24 * 60 * 60 * 1000;

export const keyHandlers = handlersOf('keys', {
  ...keyListHandler,
  ...loadedLater(['keys.copy', 'keys.move'], async () => (await import('./key-transfer.ts')).keyTransferHandlers),
  ...loadedLater(['keys.import', 'keys.export'], async () => (await import('./key-files.ts')).keyFileHandlers),
  ...loadedLater(['keys.check'], async () => (await import('./key-check.ts')).keyCheckHandlers),
  ...loadedLater(['keys.formats'], async () => (await import('./key-formats.ts')).keyFormatHandlers),
  ...loadedLater([
    'keys.sign', 'keys.verify', 'keys.encrypt', 'keys.decrypt', 'keys.wrap', 'keys.unwrap', 'keys.agree', 'keys.derive', 'keys.derive-password', 'keys.encapsulate', 'keys.decapsulate', 'keys.mac',
    'keys.verify-mac', 'keys.random',
  ], async () => (await import('./key-use.ts')).keyUseHandlers),

  async 'keys.generate'(input, context) {
    const store = await context.session.backends.storeFor(input.backend, input.algorithm);
    const usages = usagesFor(input.algorithm, input.usages);
    assertValidity(input.notBefore ?? null, input.notAfter ?? null);
    const token = context.session.backends.tokens.get(store.name)?.token;
    using _held = context.session.found.hold(store.name, context);
    const passphrase = input.ownPassphrase ? await newKeyPassphrase(input.label, context) : undefined;
    try {
      const description = await store.generate({
        id: newKeyId(), algorithm: input.algorithm, label: input.label, usages, extractable: input.extractable ?? store.extractableByDefault === true, ...(passphrase === undefined ? {} : { passphrase }), ...inToken(input),
      }, context.keyCall);
      context.subject(description.uri);
      await keepPublicKeys(context, description);
      return await writeNewKey(context, storedKey(description, store, { label: input.label, tags: input.tags, origin: 'generated', notBefore: input.notBefore ?? null, notAfter: input.notAfter ?? null }, token));
    } finally {
      passphrase?.wipe();
    }
  },

  async 'keys.show'(_input, context) {
    const { key, session } = context;
    const { fingerprint } = primary(key);
    const others = fingerprint === null ? [] : session.inventory.byFingerprint(fingerprint).filter(({ id, trashedUntil }) => id !== key.id && trashedUntil === null);
    const alsoAt = others.map(({ uri }) => uri);
    return { ...recordOf(key, session), alsoAt, findings: await findingsOf(key, others, context) };
  },

  async 'keys.update'(input, context) {
    const { key } = context;
    if (input.ifRevision !== undefined && input.ifRevision !== String(key.change)) {
      throw new KeywrightError('CONFLICT', because('key.changed-meanwhile', { key: key.label }));
    }
    const notBefore = input.notBefore === undefined ? key.notBefore : input.notBefore;
    const notAfter = input.notAfter === undefined ? key.notAfter : input.notAfter;
    assertValidity(notBefore, notAfter);
    return writeKey(context, {
      ...key, label: input.label ?? key.label, tags: input.tags ?? key.tags, notBefore, notAfter,
      state: nextState(key, input.state), versions: retire(key, input.retireVersions ?? []),
    });
  },

  async 'keys.rotate'(_input, context) {
    const { key } = context;
    refuseTrashed(key);
    if (key.state === 'compromised') throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${key.label}” is marked compromised: a new version would inherit that.`, remedy: 'Generate a new key.' });
    const store = await context.session.backends.storeOf(key);
    const rotator = facet(store.rotator, store, 'rotate keys');
    const passphrase = key.protection === 'store+passphrase' ? await newKeyPassphrase(key.label, context) : undefined;
    try {
      const description = await rotator.rotate(refOf(key), passphrase === undefined ? {} : { passphrase }, context.keyCall);
      await keepPublicKeys(context, description);
      return await writeKey(context, { ...key, versions: mergedVersions(key, description) });
    } finally {
      passphrase?.wipe();
    }
  },

  async 'keys.versions'(_input, { key }) {
    return { versions: versionsOf(key) };
  },

  async 'keys.delete'(_input, context) {
    const { key } = context;
    if (key.trashedUntil !== null) return recordOf(key, context.session);
    if (key.hardware !== null && context.session.backends.tokens.has(key.hardware.token)) {
      throw new KeywrightError('CAPABILITY_MISSING', {
        detail: `“${key.label}” is in ${key.hardware.tokenTitle}: a token has no trash, and what is deleted there is lost for good.`,
        remedy: `To destroy it: \`keywright tokens delete-key ${key.hardware.token} ${key.hardware.slot ?? ''}\`. Without the token plugged in, only its entry here is removed.`,
      });
    }
    const days = Number(context.services.config.get('trash.days'));
    return writeKey(context, { ...key, trashedUntil: new Date(Date.now() + days * DAY).toISOString() });
  },

  async 'keys.restore'(_input, context) {
    return context.key.trashedUntil === null ? recordOf(context.key, context.session) : writeKey(context, { ...context.key, trashedUntil: null });
  },

  async 'keys.purge'(_input, context) {
    const { key } = context;
    if (key.trashedUntil === null) throw new KeywrightError('CONFLICT', because('key.not-in-trash', { key: key.label }));
    await askToConfirm({
      purpose: 'confirm', title: `Destroy “${key.label}” for good`, subject: key.uri, action: 'Destroy the key', typed: key.label, destructive: true,
      note: key.hardware === null ? 'What it signed can still be verified with its public key. What it encrypted can never be read again.' : 'Only its entry here goes. The key itself stays in its token.',
    }, context.call);
    // The entry of a key in a token goes; the key itself stays in the token, wherever that is.
    if (key.hardware === null) {
      const store = await context.session.backends.storeOf(key);
      await facet(store.remover, store, 'destroy keys').remove(key.id, context.keyCall);
    }
    await forgetKey(context, key.id);
    return {};
  },

  async 'keys.public'(input, context) {
    const { key } = context;
    const spki = await publicKeyOf(key, context, input.version);
    if (input.format === 'openpgp') return { content: await (await import('../files/openpgp-form.ts')).openpgpForm(input, context), format: input.format, fingerprint: fingerprint(spki) };
    return { content: writePublicKey(spki, key.algorithm, input.format, key.label), format: input.format, fingerprint: fingerprint(spki) };
  },

  async 'keys.capabilities'(_input, { key, session }) {
    return { capabilities: capabilitiesOf(key, await session.backends.storeOf(key)) };
  },
});

function assertValidity(notBefore: string | null, notAfter: string | null): void {
  if (notBefore !== null && notAfter !== null && Date.parse(notBefore) >= Date.parse(notAfter)) {
    throw new KeywrightError('INVALID_INPUT', { detail: 'The key would end before it begins.', where: '/notAfter' });
  }
}

/** SP 800-57 part 1 rev. 5 §7: there is no way back from deactivated and compromised. */
function nextState(key: StoredKey, wanted: Exclude<KeyRecord['state'], 'destroyed' | 'pre-active'> | undefined): StoredKey['state'] {
  if (wanted === undefined || wanted === key.state) return key.state;
  const final = key.state === 'compromised' || (key.state === 'deactivated' && wanted !== 'compromised');
  if (final) throw new KeywrightError('INVALID_INPUT', { detail: `A key that is ${stateOf(key)} cannot become ${wanted}.`, where: '/state', remedy: 'Rotate it, or generate a new key.' });
  return wanted;
}

function retire(key: StoredKey, versions: readonly number[]): StoredKey['versions'] {
  const newest = primary(key).version;
  for (const version of versions) {
    if (version === newest) throw new KeywrightError('INVALID_INPUT', { detail: 'The primary version cannot be retired.', where: '/retireVersions', remedy: 'Rotate the key first.' });
    if (!key.versions.some((known) => known.version === version)) throw new KeywrightError('INVALID_INPUT', { detail: `“${key.label}” has no version ${version}.`, where: '/retireVersions' });
  }
  return key.versions.map((known) => (versions.includes(known.version) ? { ...known, retired: true } : known));
}
