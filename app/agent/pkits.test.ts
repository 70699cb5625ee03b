import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PKITS_TIME, type PkitsCase, pkitsCases } from '../certificates/testing/pkits.ts';
import { ran } from '../cli/testing/around.ts';
import { openTestCore, type TestCore } from '../keychain/testing/core.ts';
import { startAgent, type Agent } from './index.ts';
import { send } from './testing/http.ts';

/** Outside suites come through the command line and REST: NIST's PKITS does, with everything as input. */

const CASES = pkitsCases();
/** The one that today's rules refuse; `app/certificates/verifying/pkits.test.ts` says why. */
const expected = ({ valid, number }: PkitsCase): boolean => valid && number !== '4.1.5';

let folder: string;
let core: TestCore;
let agent: Agent;
let token: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keywright-pkits-'));
  core = await openTestCore({ kind: 'sqlite' });
  ({ token } = await core.call<{ token: string }>('access.grant', { name: 'suite', scope: ['certificates:read'] }));
  agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
});
afterAll(async () => {
  await agent.close();
  await core[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('every fourth of it over REST', async () => {
  const wrong: string[] = [];
  for (const one of CASES.filter((_one, index) => index % 4 === 1)) {
    const { number, certificate, untrusted, crls, root, policy, requirePolicy, inhibitPolicyMapping, inhibitAnyPolicy } = one;
    const text = (all: readonly Buffer[]): string[] => all.map((bytes) => bytes.toString('base64url'));
    const body = JSON.stringify({ content: text([certificate])[0], untrusted: text(untrusted), roots: text([root]), crl: text(crls), revocation: 'chain', at: PKITS_TIME, allowWeak: true, policy, requirePolicy, inhibitPolicyMapping, inhibitAnyPolicy });
    const answer = await send(agent.addresses[0]!, 'POST', '/v1/certificates/verify', { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body);
    const { trusted, path } = answer.json() as { trusted: boolean; path: { policies: string[] } };
    if (answer.status !== 200 || trusted !== expected(one) || (one.policies !== undefined && String(path.policies) !== String(one.policies))) wrong.push(`${number}: ${answer.text.slice(0, 300)}`);
  }
  expect(wrong).toEqual([]);
});

test('every eighth on the command line, which needs no store for what is all given', async () => {
  const wrong: string[] = [];
  const file = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const data = join(folder, 'no store');
  for (const one of CASES.filter((_one, index) => index % 8 === 0)) {
    const files = (option: string, all: readonly Buffer[]): string[] => all.flatMap((bytes, index) => [`--${option}`, file(`${option}-${index}`, bytes)]);
    const { code, json } = await ran([
      'certificates', 'verify', file('certificate', one.certificate), ...files('untrusted', one.untrusted), ...files('roots', [one.root]), ...files('crl', one.crls), '--revocation', 'chain', '--at', PKITS_TIME, '--allow-weak', '--json',
      ...one.policy.flatMap((policy) => ['--policy', policy]), ...(one.requirePolicy ? ['--require-policy'] : []), ...(one.inhibitPolicyMapping ? ['--inhibit-policy-mapping'] : []), ...(one.inhibitAnyPolicy ? ['--inhibit-any-policy'] : []),
    ], { env: { KEYWRIGHT_DATA_DIR: data } });
    const { trusted, path } = json as unknown as { trusted: boolean; path: { policies: string[] } };
    if (code !== (expected(one) ? 0 : 3) || trusted !== expected(one) || (one.policies !== undefined && String(path.policies) !== String(one.policies))) wrong.push(`${one.number}: ${code}`);
  }
  expect(wrong).toEqual([]);
  expect(readdirSync(data).filter((name) => name.startsWith('store'))).toEqual([]);
});

test('without roots, or with a name that is held, the store is needed, and it says so', async () => {
  writeFileSync(join(folder, 'alone'), CASES[0]!.certificate);
  writeFileSync(join(folder, 'root'), CASES[0]!.root);
  for (const argv of [[join(folder, 'alone')], ['Ada Example', '--roots', join(folder, 'root')]]) {
    const { code, stderr } = await ran(['certificates', 'verify', ...argv], { env: { KEYWRIGHT_DATA_DIR: join(folder, 'none') } });
    expect([code, stderr]).toEqual([4, expect.stringContaining('There is no store here yet')]);
  }
});

test('a list that cannot be read is an error, or told and passed over where that is asked for; never is anybody good by it', async () => {
  const { certificate, untrusted, root } = CASES[0]!;
  const call = (revocation: string | undefined, ...lists: string[]): Promise<{ trusted: boolean; revocation: { state: string }; text: string }> =>
    core.call('certificates.verify', { content: certificate.toString('base64url'), untrusted: untrusted.map((one) => one.toString('base64url')), roots: [root.toString('base64url')], crl: lists, at: PKITS_TIME, ...(revocation === undefined ? {} : { revocation }) });
  const broken = Buffer.from('3003020105', 'hex').toString('base64url');
  const stranger = CASES.find(({ number }) => number === '4.4.5')!.crls.map((one) => one.toString('base64url'));
  await expect(call(undefined, broken)).rejects.toMatchObject({ code: 'INVALID_INPUT', facts: { where: expect.stringContaining('/crl') as unknown } });
  const passed = await call('soft', broken, ...stranger);
  expect([passed.trusted, passed.revocation.state]).toEqual([true, 'unknown']);
  expect(passed.text).toContain('cannot be read, and says nothing');
  expect(await call('given', ...stranger)).toMatchObject({ trusted: false, revocation: { state: 'unknown' } });
});
