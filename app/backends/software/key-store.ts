import { randomBytes } from 'node:crypto';
import { KeywrightError, type SecretBytes } from '../../contract/index.ts';
import type { GenerateKey, KeyCall, KeyDescription, KeyStore } from '../../keystore/keystore.ts';
import type { BackendDeps } from '../../keystore/registry.ts';
import type { Page, PageRequest, StorageReader } from '../../storage/storage.ts';
import { SoftwareKeys, type KeyKind, type NewSecret } from './keys.ts';
import { MessageCounter } from './message-counter.ts';
import { askNewPassphrase } from './passphrase.ts';
import type { MaterialHead } from './record.ts';
import { assertUsages, nameOf } from './refusals.ts';

/** The instance that is always there; its keys have the short form of URI. */
const BUILT_IN = 'software';

type Uses = Pick<KeyStore, 'signer' | 'encrypter' | 'decrypter' | 'agreement' | 'wrapper' | 'encapsulator' | 'macMaker' | 'deriver'>;

/**
 * A key store whose keys lie in the sealed store and act in this process: what key pairs and symmetric keys share.
 * @param uses the facets in which a key acts.
 */
export function openSoftwareKeyStore(kind: KeyKind, instance: string, { storage }: Pick<BackendDeps, 'storage'>, uses: (keys: SoftwareKeys, messages: MessageCounter) => Uses): KeyStore {
  const keys = new SoftwareKeys(kind, instance);
  const messages = new MessageCounter(storage, instance);
  const uriOf = (id: string): string => (instance === BUILT_IN ? `${kind.type}:${id}` : `${kind.type}:${instance}/${id}`);

  /** @throws NOT_FOUND */
  async function headsOf(id: string, reader: StorageReader): Promise<[MaterialHead, ...MaterialHead[]]> {
    const [first, ...more] = await keys.heads(id, reader);
    if (first === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${uriOf(id)}.`, remedy: 'See `keywright keys list`.' });
    return [first, ...more];
  }

  function describe(id: string, heads: readonly [MaterialHead, ...MaterialHead[]]): KeyDescription {
    const primary = heads.at(-1) as MaterialHead;
    return {
      uri: uriOf(id), id, label: null, algorithm: primary.algorithm, usages: primary.usages, extractable: primary.extractable, protection: primary.protection,
      versions: heads.map(({ version, createdAt, publicKey, seedless }) => ({ version, createdAt, publicKey: publicKey === null ? null : Buffer.from(publicKey, 'base64url'), ...(seedless === true ? { seedless } : {}) })),
    };
  }

  function assertOffered(algorithm: MaterialHead['algorithm']): void {
    if (kind.capabilities.algorithms.includes(algorithm)) return;
    throw new KeywrightError('CAPABILITY_MISSING', {
      detail: `“${instance}” has no ${algorithm} keys of type ${kind.type}.`, remedy: 'Choose one of the algorithms that it has.', alternatives: kind.capabilities.algorithms,
    });
  }

  async function writeFirst(request: Omit<GenerateKey, 'algorithm'>, algorithm: MaterialHead['algorithm'], made: NewSecret, aeadMessages: number, call: KeyCall): Promise<KeyDescription> {
    const head: MaterialHead = {
      version: 1, algorithm, createdAt: now(), usages: [...request.usages], extractable: request.extractable,
      protection: request.passphrase === undefined ? 'store' : 'store+passphrase', publicKey: encoded(made.publicKey), aeadMessages, ...(made.seedless ? { seedless: true } : {}),
    };
    await keys.write(request.id, head, made.secret, request.passphrase, call);
    return describe(request.id, [head]);
  }

  async function writeNext(id: string, heads: readonly [MaterialHead, ...MaterialHead[]], made: NewSecret, passphrase: SecretBytes | undefined, aeadMessages: number, call: KeyCall): Promise<KeyDescription> {
    const before = heads.at(-1) as MaterialHead;
    const { seedless: _before, ...same } = before;
    const head: MaterialHead = { ...same, version: before.version + 1, createdAt: now(), publicKey: encoded(made.publicKey), aeadMessages, ...(made.seedless ? { seedless: true } : {}) };
    if (before.protection === 'store') {
      await keys.write(id, head, made.secret, undefined, call);
    } else if (passphrase === undefined) {
      using chosen = await askNewPassphrase({ uri: uriOf(id) }, call);
      await keys.write(id, head, made.secret, chosen, call);
    } else {
      await keys.write(id, head, made.secret, passphrase, call);
    }
    return describe(id, [...heads, head]);
  }

  return {
    name: instance,
    type: kind.type,
    capabilities: kind.capabilities,
    extractableByDefault: true,

    async list(page) {
      return listKeys(storage, keys, page, async (id) => describe(id, await headsOf(id, storage)));
    },

    async get(id) {
      return describe(id, await headsOf(id, storage));
    },

    async generate(request, call) {
      assertOffered(request.algorithm);
      assertUsages(request.algorithm, request.usages);
      using made = await kind.make(request.algorithm, call.signal);
      return await writeFirst(request, request.algorithm, made, 0, call);
    },

    importer: {
      async importKey(request, material, call) {
        assertOffered(material.algorithm);
        assertUsages(material.algorithm, request.usages);
        using made = await kind.check(material);
        return await writeFirst(request, material.algorithm, made, material.aeadMessages ?? 0, call);
      },
      async importVersion(id, material, call) {
        const heads = await headsOf(id, call.unit);
        const { algorithm } = heads[0];
        if (material.algorithm !== algorithm) {
          throw new KeywrightError('INVALID_INPUT', { detail: `${uriOf(id)} is ${algorithm}: a version of it cannot be ${material.algorithm}.`, remedy: 'Import it as a key of its own.' });
        }
        using made = await kind.check(material);
        return await writeNext(id, heads, made, undefined, material.aeadMessages ?? 0, call);
      },
    },

    exporter: {
      async exportKey(ref, call) {
        const head = await keys.head(ref, call.unit);
        if (!head.extractable) {
          throw new KeywrightError('PERMISSION_DENIED', { detail: `${nameOf(ref)} is not extractable: it was made so that it never leaves its place.`, remedy: 'Generate an extractable key, or use this one where it is.' });
        }
        const aeadMessages = await messages.used(ref, head.aeadMessages, call.unit);
        return { algorithm: head.algorithm, secret: await keys.secretOf(ref, call), ...(aeadMessages === 0 ? {} : { aeadMessages }) };
      },
    },

    rotator: {
      async rotate(ref, { passphrase }, call) {
        const heads = await headsOf(ref.id, call.unit);
        using made = await kind.make(heads[0].algorithm, call.signal);
        return await writeNext(ref.id, heads, made, passphrase, 0, call);
      },
    },

    remover: {
      async remove(id, call) {
        if (await keys.remove(id, call) === 0) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${uriOf(id)}.`, remedy: 'See `keywright keys list`.' });
        await messages.remove(id, call.unit);
      },
    },

    random: {
      random: async (length) => randomBytes(length),
    },

    ...uses(keys, messages),

    async [Symbol.asyncDispose]() {
      keys.clear();
      messages.clear();
    },
  };
}

/**
 * Lists keys by listing the records of their versions. A page may hold fewer keys than asked for, and a key whose
 * versions the storage's page cut in two is told whole on the page where it begins.
 */
async function listKeys(storage: StorageReader, keys: SoftwareKeys, { limit, cursor }: PageRequest, describe: (id: string) => Promise<KeyDescription>): Promise<Page<KeyDescription>> {
  // The id told last, then the storage's own cursor.
  const told = cursor?.slice(0, 32);
  let at = cursor?.slice(33);
  for (;;) {
    const page = await storage.list(keys.names.prefix, { limit, ...(at === undefined ? {} : { cursor: at }) });
    const ids = [...new Set(page.items.map(({ key }) => keys.names.idIn(key)))].filter((id) => id !== told);
    if (ids.length > 0 || page.cursor === undefined) {
      const items = await Promise.all(ids.map(describe));
      return page.cursor === undefined ? { items } : { items, cursor: `${ids.at(-1) as string} ${page.cursor}` };
    }
    at = page.cursor; // all of it were versions of the key told last
  }
}

function now(): string {
  return new Date().toISOString();
}

function encoded(publicKey: Uint8Array | null): string | null {
  return publicKey === null ? null : Buffer.from(publicKey).toString('base64url');
}
