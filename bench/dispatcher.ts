import { constants, sign as signCallback, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { benchCore, keyInCore, OWNER } from './core.ts';
import { compare, throughput, type Ratio } from './measure.ts';

const sign = promisify(signCallback) as (hash: string, data: Uint8Array, key: KeyObject | { key: KeyObject; padding: number; saltLength: number }) => Promise<Buffer>;
const IN_FLIGHT = 16;

/** Signing through the whole dispatcher with the audit trail on, against bare `crypto.sign` on the same key. */
export async function* dispatcherBenchmarks(): AsyncGenerator<Ratio> {
  await using core = await benchCore();
  const message = Buffer.alloc(32, 7);
  const input = (key: string, algorithm: string): unknown => ({ key, algorithm, content: { message: message.toString('base64url') } });

  const ec = await keyInCore(core, 'ec-p256');
  const ecInput = input(ec.id, 'ecdsa-sha256');
  yield await compare('sign P-256 through the dispatcher, 16 in flight', 'signatures/s', { least: 0.6 },
    () => throughput(() => sign('sha256', message, ec.privateKey), IN_FLIGHT),
    () => throughput(() => core.core.call('keys.sign', ecInput, { principal: OWNER }), IN_FLIGHT));

  const rsa = await keyInCore(core, 'rsa-2048');
  const pss = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  const schemes = [
    { title: 'sign RSA-2048 (PSS) through the dispatcher, 16 in flight', algorithm: 'rsa-pss-sha256', bare: pss },
    // node:crypto takes this key without a record of padding and salt length, which costs it a tenth of the whole.
    { title: 'sign RSA-2048 (PKCS#1 v1.5) through the dispatcher, 16 in flight', algorithm: 'rsa-pkcs1-sha256', bare: rsa.privateKey },
  ];
  for (const { title, algorithm, bare } of schemes) {
    const rsaInput = input(rsa.id, algorithm);
    yield await compare(title, 'signatures/s', { least: 0.9 },
      () => throughput(() => sign('sha256', message, bare), IN_FLIGHT),
      () => throughput(() => core.core.call('keys.sign', rsaInput, { principal: OWNER }), IN_FLIGHT));
  }
}
