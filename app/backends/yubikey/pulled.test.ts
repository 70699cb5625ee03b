import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { VirtualYubiKey } from '../../../e2e/devices/yubikey/card.ts';
import { KEY_ALGORITHMS, KeywrightError, SecretBytes } from '../../contract/index.ts';
import { pcscError } from '../../devices/testing/memory-link.ts';
import { plug, type Answers, type Plugged } from './testing/plug.ts';

/** The token is pulled at every command of every operation: what was in flight says so, and nothing is lost or sent twice. */

const PIN = '123456';
const PUK = '12345678';
const usages = KEY_ALGORITHMS['ec-p256'].usages;
const ref = (key: { uri: string; id: string }) => ({ uri: key.uri, id: key.id, version: 1 });
const make = ({ token, call }: Plugged, slot: string) => token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot, usages }, call());

interface Operation {
  readonly prepare?: (plugged: Plugged) => Promise<unknown>;
  readonly answers?: Answers;
  readonly run: (plugged: Plugged, call: ReturnType<Plugged['call']>) => Promise<unknown>;
}

const heldIn = async (plugged: Plugged, slot: string) => ref(await plugged.token.store.get(`serial=${plugged.virtual.serial};slot=${slot}`, plugged.call()));
const certificate = async ({ virtual }: Plugged): Promise<Buffer> => Buffer.from(virtual.memory.objects.get(0x5fff01)!.subarray(4));

const OPERATIONS: Record<string, Operation> = {
  contents: { prepare: (plugged) => make(plugged, '9a'), run: ({ token }, call) => token.contents(call) },
  status: { run: ({ token }, call) => token.status(call) },
  generate: { run: ({ token }, call) => token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '9a', usages }, call) },
  import: {
    run: ({ token }, call) => token.store.importer!.importKey({ id: '', label: '', extractable: false, slot: '9a', usages }, { algorithm: 'ec-p256', secret: new SecretBytes(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'der' })) }, call),
  },
  sign: { prepare: (plugged) => make(plugged, '9c'), answers: { pin: PIN }, run: async (plugged, call) => plugged.token.store.signer!.sign(await heldIn(plugged, '9c'), 'ecdsa-sha256', { message: Buffer.from('x') }, call) },
  agree: {
    prepare: (plugged) => make(plugged, '9d'), answers: { pin: PIN },
    run: async (plugged, call) => plugged.token.store.agreement!.agree(await heldIn(plugged, '9d'), generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' }), call),
  },
  attest: { prepare: (plugged) => make(plugged, '9a'), run: ({ token }, call) => token.manage.attest!('9a', call) },
  'put certificate': { run: async (plugged, call) => plugged.token.manage.putCertificate!('82', await certificate(plugged), call) },
  'delete certificate': { prepare: async (plugged) => plugged.token.manage.putCertificate!('82', await certificate(plugged), plugged.call()), run: ({ token }, call) => token.manage.deleteCertificate!('82', call) },
  'move key': { prepare: async (plugged) => { await make(plugged, '9a'); await make(plugged, '82'); }, answers: { confirm: true }, run: ({ token }, call) => token.manage.moveKey!({ from: '9a', to: '82' }, call) },
  'delete key': { prepare: (plugged) => make(plugged, '9a'), answers: { confirm: true }, run: ({ token }, call) => token.manage.deleteKey!('9a', call) },
  'change PIN': { answers: { pin: PIN, 'new-pin': '654321' }, run: ({ token }, call) => token.manage.changePin!(call) },
  'change PUK': { answers: { puk: PUK, 'new-puk': '87654321' }, run: ({ token }, call) => token.manage.changePuk!(call) },
  'unblock PIN': { prepare: async ({ virtual }) => virtual.blockPin(), answers: { puk: PUK, 'new-pin': '654321' }, run: ({ token }, call) => token.manage.unblockPin!(call) },
  'set retries': { answers: { confirm: true, pin: PIN, 'new-pin': '654321', 'new-puk': '87654321' }, run: ({ token }, call) => token.manage.setRetries!({ pin: 5, puk: 5 }, call) },
  'set management key': { answers: { 'new-management-key': 'ab'.repeat(24) }, run: ({ token }, call) => token.manage.setManagementKey!({ protect: false, touch: false }, call) },
  'protect management key': { run: ({ token }, call) => token.manage.setManagementKey!({ protect: true, touch: false }, call) },
  'replace protected management key': {
    prepare: (plugged) => plugged.token.manage.setManagementKey!({ protect: true, touch: false }, plugged.call()), answers: { pin: PIN },
    run: ({ token }, call) => token.manage.setManagementKey!({ protect: true, touch: false, algorithm: 'aes-256' }, call),
  },
  'set identifiers': { run: ({ token }, call) => token.manage.setIdentifiers!(call) },
  reset: { answers: { confirm: true }, run: ({ token }, call) => token.manage.reset!(call) },
};

/** Pulls before the n-th command, or when the card has done as told and its answer is on the way. @returns whether the operation came so far. */
async function pulledAt(operation: Operation, n: number, point: 'before' | 'after'): Promise<{ pulled: boolean; virtual: VirtualYubiKey }> {
  const virtual = new VirtualYubiKey({ firmware: '5.7.1', serial: 4711 });
  let left = Infinity;
  const plugged = await plug({ card: virtual });
  await operation.prepare?.(plugged);
  const through = virtual.transmit.bind(virtual);
  virtual.transmit = async (apdu) => {
    left -= 1;
    if (left === 0 && point === 'after') await through(apdu);
    if (left <= 0) throw pcscError('RemovedCard');
    return through(apdu);
  };
  plugged.key.slots.clear();
  left = n;
  const failure = await operation.run(plugged, plugged.call(operation.answers)).then(() => undefined, (thrown: unknown) => thrown);
  virtual.transmit = through;
  if (failure === undefined) return { pulled: false, virtual };
  expect(failure).toBeInstanceOf(KeywrightError);
  expect((failure as KeywrightError).code).toBe('TOKEN_REMOVED');
  return { pulled: true, virtual };
}

describe.each(Object.entries(OPERATIONS))('%s', (_name, operation) => {
  test.each(['before', 'after'] as const)('pulled %s each of its commands', async (point) => {
    let n = 1;
    for (; ; n++) {
      const { pulled, virtual } = await pulledAt(operation, n, point);
      if (operation === OPERATIONS['reset']) virtual.ledger.blockedOnPurpose();
      expect(virtual.ledger.repeats).toBe(0);
      if (!pulled) break;
      await standsUp(virtual);
    }
    expect(n).toBeGreaterThan(1);
  });
});

/** Put back, the token is whole: somebody who knows what was known before, or was chosen, makes it do everything. */
async function standsUp(virtual: VirtualYubiKey): Promise<void> {
  const plugged = await plug({ card: virtual });
  const { secrets } = await plugged.token.status(plugged.call());
  const { complete } = await plugged.token.contents(plugged.call());
  expect(complete).toBe(true);
  if (secrets[0]!.triesLeft === 0) return;
  const pin = virtual.memory.pin.value.toString('latin1').replaceAll('\xff', '');
  expect([PIN, '654321']).toContain(pin);
  // A management key is the factory's, the chosen one, or comes from behind the PIN: nobody is locked out.
  const made = await plugged.token.store.generate({ id: '', label: '', extractable: false, algorithm: 'ec-p256', slot: '95', usages, pinPolicy: 'never' }, plugged.call({ pin, 'management-key': ['ab'.repeat(24), '0102030405060708'.repeat(3)] }));
  await plugged.token.store.signer!.sign(ref(made), 'ecdsa-sha256', { message: Buffer.from('x') }, plugged.call());
}
