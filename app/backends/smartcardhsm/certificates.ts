import { X509Certificate } from 'node:crypto';
import { because, KeywrightError } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { KeyCall, KeyDescription } from '../../keystore/keystore.ts';
import { confirmDestruction, typedFingerprint } from '../../keystore/token-prompts.ts';
import type { Attestation } from '../../keystore/tokens.ts';
import { FILE, PREFIX } from './applet.ts';
import { verifyDevice, verifyRequest, type DeviceChain } from './chain.ts';
import { looksLikeRequest, parseCvcs, type Cvc } from './cvc.ts';
import type { SmartCardHsm } from './hsm.ts';
import { referenceOf } from './objects.ts';
import { deleteFile, readFile, writeFile } from './session.ts';

/**
 * What lies beside a key: at first the request that the device has signed for it, by which the key can be told from one that came from
 * elsewhere. A certificate takes its place, so the request is kept in the store before.
 */

const requestRecord = ({ options }: SmartCardHsm, spki: Uint8Array): string => `material/${options.instance}/requests/${fingerprint(spki).slice('SHA256:'.length)}`;

const publicKeyOf = (key: KeyDescription): Uint8Array | null => key.versions.at(-1)?.publicKey ?? null;

/** @returns what the device says of a key, verified up to a root, in words. @throws CAPABILITY_MISSING when nothing was kept that could tell */
export async function attest(hsm: SmartCardHsm, key: KeyDescription, slot: string, call: KeyCall): Promise<Attestation> {
  const { beside, chain } = await hsm.session.run(async (channel) => ({
    beside: await readFile(channel, (PREFIX.certificate << 8) | (await referenceOf(channel, slot, hsm)), 'What is kept beside the key was not read'),
    chain: await deviceChain(hsm, () => readFile(channel, FILE.deviceCertificates, 'The device certificate was not read')),
  }), call.signal);
  const spki = publicKeyOf(key);
  const kept = spki === null ? undefined : await call.unit.get(requestRecord(hsm, spki));
  const bytes = beside !== undefined && looksLikeRequest(beside) ? beside : kept?.value;
  if (spki === null || bytes === undefined) {
    throw new KeywrightError('CAPABILITY_MISSING', because('hsm.request-lost', { token: hsm.title, slot }));
  }
  const verdict = verifyRequest(bytes, spki, chain);
  const problems = [...chain.problems, ...verdict.problems];
  const verified = verdict.holds && chain.problems.length === 0;
  return {
    verified, problems, chainFormat: 'cvc',
    statements: verified ? [`Made in this SmartCard-HSM, serial ${hsm.discovered.serial}.`, ...deviceStatements(chain)] : deviceStatements(chain),
    chain: [...(verdict.request === null ? [] : [verdict.request.bytes]), ...chain.certificates.map((certificate) => certificate.bytes)],
  };
}

/** In words: whose device it is. */
export function deviceStatements({ certificates, key }: DeviceChain): string[] {
  const [device, issuer, root] = certificates;
  if (device === undefined) return [];
  const valid = device.from === null || device.to === null ? '' : `, valid from ${device.from} to ${device.to}`;
  return [
    `Device certificate ${device.holder}, issued by ${device.authority}${valid}.`,
    ...(key === null || root === undefined || issuer === undefined ? [] : [`Its issuer was certified by ${root.holder}${root.holder === 'DESRCACC100001' ? ', the root of CardContact' : ''}.`]),
  ];
}

/** Reads the device's certificates anew: what was read when the token was put in is for showing alone. */
async function deviceChain(hsm: SmartCardHsm, read: () => Promise<Buffer | undefined>): Promise<DeviceChain> {
  let certificates: Cvc[];
  try {
    certificates = parseCvcs((await read()) ?? new Uint8Array(0), 'the device certificate');
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'INVALID_INPUT') throw thrown;
    return { key: null, certificates: [], problems: [`The device certificate cannot be read: ${thrown.facts.detail}`] };
  }
  return verifyDevice(certificates, hsm.options.roots);
}

/** @param label what people call the key, for prompts; likewise below. @throws INVALID_INPUT with both fingerprints when it is for another key */
export async function putCertificate(hsm: SmartCardHsm, key: KeyDescription, slot: string, certificate: Uint8Array, call: KeyCall, label?: string): Promise<void> {
  const spki = publicKeyOf(key);
  const own = fingerprint(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }));
  if (spki !== null && own !== fingerprint(spki)) {
    throw new KeywrightError('INVALID_INPUT', { ...because('token.certificate-misfits', { certificate: own, key: fingerprint(spki) }), where: '/certificate' });
  }
  await hsm.withPin(label === undefined ? `Put a certificate beside the key ${slot}` : `Put a certificate beside “${label}”`, call, async (channel) => {
    const file = (PREFIX.certificate << 8) | (await referenceOf(channel, slot, hsm));
    const beside = await readFile(channel, file, 'What is kept beside the key was not read');
    if (spki !== null && beside !== undefined && looksLikeRequest(beside)) await call.unit.put(requestRecord(hsm, spki), beside, { ifRevision: 'any' });
    await writeFile(channel, file, certificate, 'The certificate was not written');
  });
}

/** The request that was there first takes its place again, without which programs would not see the public key. */
export async function deleteCertificate(hsm: SmartCardHsm, key: KeyDescription, slot: string, call: KeyCall, label?: string): Promise<void> {
  const spki = publicKeyOf(key);
  const kept = spki === null ? undefined : await call.unit.get(requestRecord(hsm, spki));
  await hsm.withPin(label === undefined ? `Delete the certificate beside the key ${slot}` : `Delete the certificate beside “${label}”`, call, async (channel) => {
    const file = (PREFIX.certificate << 8) | (await referenceOf(channel, slot, hsm));
    const beside = await readFile(channel, file, 'What is kept beside the key was not read');
    if (beside === undefined || looksLikeRequest(beside)) throw new KeywrightError('NOT_FOUND', { detail: `There is no certificate beside the key ${slot}.`, where: '/slot' });
    if (kept === undefined) {
      throw new KeywrightError('CAPABILITY_MISSING', because('hsm.certificate-is-all', {}));
    }
    await writeFile(channel, file, kept.value, 'The certificate was not deleted');
  });
}

/** Destroys a key with all that lies beside it, behind a typed confirmation. */
export async function deleteKey(hsm: SmartCardHsm, key: KeyDescription | undefined, slot: string, call: KeyCall, label?: string): Promise<void> {
  const spki = key === undefined ? null : publicKeyOf(key);
  await confirmDestruction({
    title: `Destroy the key ${label === undefined ? slot : `“${label}”`} in ${hsm.title}`, token: hsm.title, action: 'Destroy the key', typed: spki === null ? slot : typedFingerprint(fingerprint(spki)),
    note: 'Unless it was wrapped before, it is lost for good, and so is what was encrypted to it.',
  }, call);
  await hsm.withPin(label === undefined ? `Destroy the key ${slot}` : `Destroy the key “${label}”`, call, async (channel) => {
    const reference = await referenceOf(channel, slot, hsm);
    for (const prefix of [PREFIX.key, PREFIX.description, PREFIX.certificate]) await deleteFile(channel, (prefix << 8) | reference, 'The key was not destroyed');
  });
}
