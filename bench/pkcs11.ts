import { createHash } from 'node:crypto';
import { CKA, CKF, CKM, CKO, CKU } from '../app/backends/pkcs11/constants.ts';
import { loadAddon, type Handle } from '../app/backends/pkcs11/module/addon.ts';
import { missingForSoftHsm, newStorage, openSource, PIN, SOFTHSM, SoftHsm, tokenIn } from '../app/backends/pkcs11/testing/softhsm.ts';
import { SecretBytes, type KeyAlgorithmName, type SignatureAlgorithmName } from '../app/contract/index.ts';
import { digestInfo } from '../app/formats/emsa.ts';
import { callFor } from '../app/keystore/testing/calls.ts';
import { compare, throughput, type Ratio } from './measure.ts';

const IN_FLIGHT = 8;
const DIGEST = createHash('sha256').update('to be signed').digest();

/** Signing with a SoftHSM key through the module's worker, against pkcs11js in this process with as many sessions. */
export async function* pkcs11Benchmarks(): AsyncGenerator<Ratio> {
  const missing = missingForSoftHsm();
  if (missing !== undefined) {
    process.stderr.write(`no PKCS#11 benchmark: ${missing}\n`);
    return;
  }
  using hsm = new SoftHsm().initialise('bench');
  const storage = await newStorage();
  await using source = await openSource(hsm, { fromFile: async () => SecretBytes.fromText(PIN) }, storage);
  const { store } = tokenIn(source, 'bench');
  const call = callFor(storage);
  const cases: readonly (readonly [KeyAlgorithmName, SignatureAlgorithmName, number, Buffer, number])[] = [
    ['rsa-2048', 'rsa-pkcs1-sha256', CKM.RSA_PKCS, digestInfo('sha256', DIGEST), 0.8], ['ec-p256', 'ecdsa-sha256', CKM.ECDSA, DIGEST, 0.6],
  ];
  // The module in this process reads its configuration from the environment, and the objects when it starts.
  Object.assign(process.env, hsm.environment);
  const keys = await Promise.all(cases.map(([algorithm]) => store.generate({ id: '', algorithm, label: algorithm, usages: ['sign', 'verify'], extractable: false }, call)));
  const lib = new (loadAddon()).PKCS11();
  lib.load(SOFTHSM as string);
  lib.C_Initialize({ flags: CKF.OS_LOCKING_OK });
  const [slot] = lib.C_GetSlotList(true);
  const sessions = Array.from({ length: IN_FLIGHT }, () => lib.C_OpenSession(slot as Handle, CKF.SERIAL_SESSION | CKF.RW_SESSION));
  lib.C_Login(sessions[0] as Handle, CKU.USER, PIN);
  for (const [index, [algorithm, scheme, mechanism, data, least]] of cases.entries()) {
    lib.C_FindObjectsInit(sessions[0] as Handle, [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }, { type: CKA.LABEL, value: Buffer.from(algorithm) }]);
    const [handle] = lib.C_FindObjects(sessions[0] as Handle, 1) as [Handle];
    lib.C_FindObjectsFinal(sessions[0] as Handle);
    const { uri, id } = keys[index] as { uri: string; id: string };
    const raw = async (): Promise<void> => {
      const session = sessions.pop() as Handle;
      lib.C_SignInit(session, { mechanism }, handle);
      await lib.C_SignAsync(session, data, Buffer.alloc(256));
      sessions.push(session);
    };
    const ours = (): Promise<unknown> => store.signer!.sign({ uri, id, version: 1 }, scheme, { digest: DIGEST }, call);
    yield await compare(`PKCS#11 sign ${algorithm} in its worker, ${IN_FLIGHT} in flight`, '/s', { least }, () => throughput(raw, IN_FLIGHT), () => throughput(ours, IN_FLIGHT));
  }
  lib.C_Finalize();
}
