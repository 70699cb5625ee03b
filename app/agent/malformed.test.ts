import { afterAll, beforeAll, expect, test } from 'vitest';
import { chance } from '../certificates/testing/random-pki.ts';
import { leaf, list, root } from '../certificates/testing/forge.ts';
import { mutantOf } from '../certificates/testing/mutants.ts';
import { ERRORS } from '../contract/index.ts';
import { openTestCore, type TestCore } from '../keychain/testing/core.ts';
import { startAgent, type Agent } from './index.ts';
import { send } from './testing/http.ts';

/** Certificates, requests, lists and stores that are spoiled at every depth, over REST: refused with a code, or told of; never a fault of ours, never trusted. `KEYWRIGHT_MUTANTS=5000` for many. */

const ROUNDS = Number(process.env['KEYWRIGHT_MUTANTS'] ?? 220);
let core: TestCore;
let agent: Agent;
let token: string;
const files: Record<'certificate' | 'request' | 'list' | 'store', Buffer> = { certificate: Buffer.alloc(0), request: Buffer.alloc(0), list: Buffer.alloc(0), store: Buffer.alloc(0) };
const top = root();
const end = leaf(top);

beforeAll(async () => {
  core = await openTestCore({ kind: 'memory' });
  for (const label of ['Authority key', 'Server key']) await core.call('keys.generate', { label, algorithm: 'ec-p256' });
  await core.call('certificates.self-sign', { key: 'Authority key', subject: 'CN=Authority', profile: 'root' });
  const der = (content: string): Buffer => Buffer.from(Buffer.from(content, 'base64url').toString().replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const { request } = await core.call<{ request: string }>('certificates.request', { key: 'Server key', subject: 'CN=www.example.org,O=Example', san: ['dns:www.example.org', 'email:ada@example.org'] });
  const exported = await core.call<{ content: string }>('certificates.export', { certificate: 'Authority', format: 'pkcs12' }, { 'export-passphrase': 'another pass phrase 99' });
  Object.assign(files, { certificate: end.certificate.der, request: der(request), list: list(top, { revoked: [{ serial: '10', reason: 1 }] }).der, store: Buffer.from(exported.content, 'base64url') });
  ({ token } = await core.call<{ token: string }>('access.grant', { name: 'hostile', scope: ['certificates:read', 'certificates:use', 'certificates:write', 'files:use', 'keys:read', 'keys:use'] }));
  agent = await startAgent(core.core, { listen: '127.0.0.1:0' });
});
afterAll(async () => {
  await agent.close();
  await core[Symbol.asyncDispose]();
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
type Kind = keyof typeof files;
/** What is asked about a spoiled file of each kind. */
const ASKED: readonly (readonly [path: string, of: Kind, body: (mutant: string) => Record<string, unknown>])[] = [
  ['certificates/verify', 'certificate', (mutant) => ({ content: mutant, roots: [text(top.certificate.der)], purpose: 'any', strict: false })],
  ['certificates/verify', 'list', (mutant) => ({ content: text(end.certificate.der), roots: [text(top.certificate.der)], crl: [mutant], revocation: 'leaf' })],
  ['certificates/import', 'certificate', (mutant) => ({ content: mutant })],
  ['certificates/issue', 'request', (mutant) => ({ request: mutant, issuer: 'Authority', profile: 'tls-server' })],
  ['certificates/crls/import', 'list', (mutant) => ({ content: mutant })],
  ...(['certificate', 'request', 'list', 'store'] as const).map((kind) => ['files/inspect', kind, (mutant: string) => ({ content: mutant, bytes: true })] as const),
];

test('whatever is spoiled in a file, the answer is a code or what the file holds', async () => {
  const random = chance(20_261);
  const faults: string[] = [];
  const answers = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const [path, kind, body] = ASKED[round % ASKED.length]!;
    const mutant = mutantOf(files[kind], random);
    const answer = await send(agent.addresses[0]!, 'POST', `/v1/${path}`, { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, JSON.stringify(body(text(mutant))));
    // The same certificate once more behind itself is a file of two, of which the first is judged.
    const isTheSame = mutant.subarray(0, end.certificate.der.length).equals(end.certificate.der);
    const { code, trusted } = answer.json() as { code?: string; trusted?: boolean };
    answers.set(`${path} ${code ?? 'told'}`, (answers.get(`${path} ${code ?? 'told'}`) ?? 0) + 1);
    const wrong = answer.status >= 500 || (answer.status >= 400 && !(String(code) in ERRORS)) || (trusted === true && !isTheSame) || /node_modules|\.ts:\d|\n {4}at /.test(answer.text) || /[\u202A-\u202E\u2066-\u2069]/.test(answer.text);
    if (wrong) faults.push(`${round} ${path} ${answer.status} ${mutant.toString('hex').slice(0, 400)}: ${answer.text.slice(0, 300)}`);
  }
  expect(faults).toEqual([]);
  for (const path of ['certificates/verify', 'certificates/import', 'certificates/issue', 'certificates/crls/import']) expect(answers.get(`${path} INVALID_INPUT`)).toBeGreaterThan(5);
  expect(answers.get('files/inspect told')).toBeGreaterThan(20);
}, 600_000);
