import { createECDH } from 'node:crypto';
import { buildOcspRequest, readCertificates } from '../../certificates/index.ts';
import type { Operation } from '../../contract/index.ts';
import { buildPdf } from '../../signing/pdf/testing/documents.ts';
import { pathParameters } from '../rest/input.ts';
import type { Parsed } from './http.ts';

/** One call of each operation, in an order in which each finds what it needs. The same for every face that speaks HTTP. */

export interface Exercise {
  readonly operation: string;
  /** The input, wire side, from what earlier calls answered; bytes for an upload. */
  readonly input?: (known: Known) => object;
  readonly body?: (known: Known) => Buffer;
  /** Answers to prompts by purpose. */
  readonly answers?: Readonly<Record<string, string | true>>;
  /** The error that is the right answer here. */
  readonly fails?: string;
  /** Remembers what later calls need. */
  readonly keep?: (output: Parsed, known: Known) => void;
}

export type Known = Record<string, Parsed>;

const PASSPHRASE = 'correct horse battery staple 42';
const KEY_PASSPHRASE = 'another pass phrase 99';
const text = (plain: string): string => Buffer.from(plain).toString('base64url');
const key = (name: string) => (known: Known): { key: string } => ({ key: known[name] });
const certificate = (name: string) => (known: Known): { certificate: string } => ({ certificate: known[name] });
const generate = (name: string, algorithm: string): Exercise => ({ operation: 'keys.generate', input: () => ({ algorithm, label: name }), keep: (output, known) => (known[name] = output.uri) });

const inToken = (more: object = {}) => (): object => ({ token: 'fake', ...more });

/** Self-signed, its key thrown away. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBqzCCAVGgAwIBAgIUGqNmbFVlt7mdO7JoVN166kQCBpkwCgYIKoZIzj0EAwIw
KjEXMBUGA1UEAwwOS2V5d3JpZ2h0IHRlc3QxDzANBgNVBAoMBk5vYm9keTAgFw0y
NjExMjQxNDU5MzRaGA8yMTI2MTAzMTE0NTkzNFowKjEXMBUGA1UEAwwOS2V5d3Jp
Z2h0IHRlc3QxDzANBgNVBAoMBk5vYm9keTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABHGjSmw9IIGSX9ZkKJYyDfZw2mkuxs6sMvr1uLwaxfvqoNM62tRPIDcGNBF0
7Ytbg77fqU/mo2lZBh3oy1O25C+jUzBRMB0GA1UdDgQWBBQuXPqKZc4hUDso8gbo
hyYZ0mVotjAfBgNVHSMEGDAWgBQuXPqKZc4hUDso8gbohyYZ0mVotjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQC7yQ8S9B2IbsSPsrvRO2RBshDc
4k+Ar3wXrxVpx3j7uAIgYddPvGBS+aguqs9YEwC+fahfFN8vocdlfizQwMq02lA=
-----END CERTIFICATE-----
`;

export const EXERCISES: readonly Exercise[] = [
  { operation: 'store.create', answers: { 'new-store-passphrase': PASSPHRASE }, fails: 'ALREADY_EXISTS' },
  { operation: 'store.status' },
  { operation: 'store.unlock' },
  { operation: 'store.recent' },
  { operation: 'store.change-passphrase', answers: { 'store-passphrase': PASSPHRASE, 'new-store-passphrase': PASSPHRASE } },
  { operation: 'store.slots.list' },
  { operation: 'store.slots.add', input: () => ({ kind: 'passphrase', label: 'Second' }), answers: { 'new-store-passphrase': KEY_PASSPHRASE }, keep: ({ id }, known) => (known['slot'] = id) },
  { operation: 'store.slots.remove', input: ({ slot }) => ({ id: slot }), answers: { confirm: true } },
  { operation: 'store.verify' },

  { operation: 'backends.list' },
  { operation: 'backends.show', input: () => ({ name: 'software' }) },
  { operation: 'backends.add', input: () => ({ type: 'pkcs8', name: 'archive' }) },
  { operation: 'backends.configure', input: () => ({ name: 'archive', settings: {} }) },
  { operation: 'backends.disable', input: () => ({ name: 'archive' }) },
  { operation: 'backends.enable', input: () => ({ name: 'archive' }) },
  { operation: 'backends.test', input: () => ({ name: 'archive' }) },
  { operation: 'backends.diagnose', input: () => ({ name: 'archive' }) },
  { operation: 'backends.remove', input: () => ({ name: 'archive' }) },

  generate('pair', 'ec-p256'), generate('secret', 'aes-256'), generate('hmac', 'hmac-sha256'), generate('kem', 'ml-kem-768'), generate('victim', 'ed25519'),
  { operation: 'keys.list', input: () => ({ search: 'pair', limit: 5, trash: false }) },
  { operation: 'keys.show', input: key('pair') },
  { operation: 'keys.update', input: ({ pair }) => ({ key: pair, label: 'Release signing', tags: ['release'] }) },
  { operation: 'keys.rotate', input: key('pair') },
  { operation: 'keys.versions', input: key('pair') },
  { operation: 'keys.check', input: () => ({ limit: 5 }) },
  { operation: 'keys.capabilities', input: key('pair') },
  { operation: 'keys.formats', input: key('pair') },
  { operation: 'keys.public', input: ({ pair }) => ({ key: pair, format: 'der' }) },
  { operation: 'keys.export', input: key('pair'), answers: { 'export-passphrase': KEY_PASSPHRASE }, keep: ({ content }, known) => (known['exported'] = content) },
  { operation: 'keys.import', input: ({ exported }) => ({ content: exported, label: 'Copy' }), answers: { 'import-passphrase': KEY_PASSPHRASE } },
  { operation: 'keys.delete', input: key('victim') },
  { operation: 'keys.restore', input: key('victim') },
  { operation: 'keys.purge', input: key('victim'), answers: { confirm: 'victim' }, fails: 'CONFLICT' },
  { operation: 'backends.add', input: () => ({ type: 'pkcs8', name: 'other' }) },
  { operation: 'keys.copy', input: ({ pair }) => ({ keys: [pair], to: 'other', dryRun: true }) },
  { operation: 'keys.move', input: ({ pair }) => ({ keys: [pair], to: 'other', dryRun: true }) },

  { operation: 'keys.sign', input: ({ pair }) => ({ key: pair, content: { message: text('hello') } }), keep: ({ signature }, known) => (known['signature'] = signature) },
  { operation: 'keys.verify', input: ({ pair, signature }) => ({ key: pair, content: { message: text('hello') }, signature }) },
  { operation: 'keys.encrypt', input: ({ secret }) => ({ key: secret, plaintext: text('hello') }), keep: ({ ciphertext }, known) => (known['ciphertext'] = ciphertext) },
  { operation: 'keys.decrypt', input: ({ secret, ciphertext }) => ({ key: secret, ciphertext }) },
  { operation: 'keys.wrap', input: ({ secret, hmac }) => ({ key: secret, target: hmac }), keep: ({ wrapped }, known) => (known['wrapped'] = wrapped) },
  { operation: 'keys.unwrap', input: ({ secret, wrapped }) => ({ key: secret, wrapped, keyAlgorithm: 'hmac-sha256', label: 'Unwrapped' }) },
  { operation: 'keys.agree', input: ({ pair }) => ({ key: pair, peer: peerOnP256(), hkdf: { hash: 'sha256', length: 32 } }) },
  { operation: 'keys.derive', input: ({ hmac }) => ({ key: hmac, info: text('context') }) },
  { operation: 'keys.derive-password', input: () => ({ function: 'pbkdf2-sha256', iterations: 600_000 }), answers: { password: 'a password' } },
  { operation: 'keys.encapsulate', input: key('kem'), keep: ({ ciphertext }, known) => (known['encapsulated'] = ciphertext) },
  { operation: 'keys.decapsulate', input: ({ kem, encapsulated }) => ({ key: kem, ciphertext: encapsulated }) },
  { operation: 'keys.mac', input: ({ hmac }) => ({ key: hmac, message: text('hello') }), keep: ({ mac }, known) => (known['mac'] = mac) },
  { operation: 'keys.verify-mac', input: ({ hmac, mac }) => ({ key: hmac, message: text('hello'), mac }) },
  { operation: 'keys.random', input: () => ({ bytes: 16 }) },

  { operation: 'certificates.self-sign', input: ({ pair }) => ({ key: pair, subject: 'CN=Ada Example,O=Example', days: 365 }), keep: ({ id, pem }, known) => {
    known['certificate'] = id;
    known['pem'] = pem;
  } },
  { operation: 'certificates.request', input: ({ pair }) => ({ key: pair, subject: 'CN=example.org', san: ['dns:example.org'] }) },
  { operation: 'certificates.import', input: () => ({ content: text(CERTIFICATE) }), keep: ({ certificates: [one] }, known) => (known['imported'] = one.id) },
  { operation: 'certificates.list', input: () => ({ search: 'ada', limit: 5 }) },
  { operation: 'certificates.show', input: certificate('certificate') },
  { operation: 'certificates.update', input: ({ imported }) => ({ certificate: imported, label: 'Imported', tags: ['test'], trusted: true }) },
  { operation: 'certificates.export', input: ({ certificate: id }) => ({ certificate: id, format: 'pem', withChain: true }) },
  { operation: 'certificates.chain', input: certificate('certificate') },
  { operation: 'keys.generate', input: () => ({ algorithm: 'ec-p256', label: 'Authority' }), keep: ({ uri }, known) => (known['authorityKey'] = uri) },
  { operation: 'certificates.self-sign', input: ({ authorityKey }) => ({ key: authorityKey, subject: 'CN=Example root', profile: 'root' }), keep: ({ id, pem }, known) => {
    known['authority'] = id;
    known['authorityPem'] = pem;
  } },
  { operation: 'certificates.issue', input: ({ pair }) => ({ key: pair, issuer: pair, profile: 'ssh-user', ssh: { principals: ['ada'] } }) },
  { operation: 'certificates.issue', input: ({ pair, authority }) => ({ key: pair, issuer: authority, subject: 'CN=example.org', san: ['dns:example.org'], profile: 'tls-server' }), keep: ({ id, pem, serial }, known) => {
    known['issued'] = id;
    known['issuedPem'] = pem;
    known['serial'] = serial;
  } },
  { operation: 'certificates.verify', input: ({ issuedPem, authorityPem }) => ({ content: text(issuedPem), roots: [text(authorityPem)], host: 'example.org' }) },
  { operation: 'certificates.expiring', input: () => ({ days: 365, format: 'ics' }) },
  { operation: 'certificates.examine', input: () => ({ host: '127.0.0.1', port: 1, seconds: 5 }), fails: 'BACKEND_UNAVAILABLE' },
  { operation: 'certificates.ocsp.respond', input: ({ authority, issuedPem, authorityPem }) => ({ certificate: authority, request: ocspRequest(issuedPem, authorityPem) }), keep: ({ response }, known) => (known['ocsp'] = response) },
  { operation: 'certificates.ocsp.answer', input: ({ issuedPem, authorityPem }) => ({ request: ocspRequest(issuedPem, authorityPem) }) },
  { operation: 'certificates.ocsp.check', input: ({ issued, ocsp }) => ({ certificate: issued, response: ocsp }) },
  { operation: 'certificates.revoke', input: ({ issued }) => ({ certificate: issued, reason: 'superseded' }) },
  { operation: 'certificates.crl.create', input: certificate('authority'), keep: ({ content }, known) => (known['crl'] = content) },
  { operation: 'certificates.crl.import', input: ({ crl }) => ({ content: crl }) },
  { operation: 'certificates.crl.show', input: ({ authority }) => ({ crl: authority }) },
  { operation: 'certificates.renew', input: certificate('authority') },
  { operation: 'certificates.compare', input: ({ certificate: id, imported }) => ({ certificate: id, other: imported }) },
  { operation: 'certificates.delete', input: certificate('imported') },
  { operation: 'certificates.restore', input: certificate('imported') },
  { operation: 'certificates.delete', input: certificate('imported') },
  { operation: 'certificates.purge', input: certificate('imported'), answers: { confirm: true } },

  { operation: 'files.convert', input: () => ({ content: text(CERTIFICATE), format: 'pkcs7' }) },
  { operation: 'files.inspect', input: () => ({ content: text(CERTIFICATE) }) },
  { operation: 'files.formats', input: key('pair') },
  { operation: 'files.recipients', input: () => ({ format: 'age' }) },
  { operation: 'files.jwt', input: ({ pair }) => ({ key: pair, subject: 'ada', expires: '15m' }) },
  { operation: 'files.upload', input: () => ({ name: 'report.pdf' }), body: () => buildPdf(), keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'files.pages', input: ({ upload }) => ({ file: { upload } }) },
  { operation: 'files.upload', input: () => ({ name: 'report.txt' }), body: () => Buffer.from('a report'), keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'files.sign', input: ({ pair, upload }) => ({ key: pair, files: [{ upload }] }), keep: ({ files: [file] }, known) => {
    known['download'] = file.written.download;
    known['fileSignature'] = file.signature;
  } },
  { operation: 'files.download', input: ({ download }) => ({ id: download }) },
  { operation: 'files.upload', input: () => ({ name: 'report.txt' }), body: () => Buffer.from('a report'), keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'files.verify', input: ({ pair, upload, fileSignature }) => ({ key: pair, file: { upload }, signature: { bytes: fileSignature } }) },
  { operation: 'files.upload', input: () => ({ name: 'report.txt' }), body: () => Buffer.from('a report'), keep: ({ upload }, known) => (known['upload'] = upload) },
  // No authority listens on the discard port: that it was asked is the proof.
  { operation: 'files.timestamp', input: ({ upload }) => ({ file: { upload }, authority: 'http://127.0.0.1:9/' }), fails: 'BACKEND_UNAVAILABLE' },

  { operation: 'files.upload', input: () => ({ name: 'plan.txt' }), body: () => Buffer.from('a plan'), keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'files.encrypt', input: ({ pair, upload }) => ({ files: [{ upload }], recipients: [pair], out: { inline: true } }), keep: ({ files: [file] }, known) => (known['encrypted'] = file.content) },
  { operation: 'files.upload', input: () => ({ name: 'plan.txt.age' }), body: ({ encrypted }) => Buffer.from(encrypted ?? '', 'base64url'), keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'files.decrypt', input: ({ upload }) => ({ files: [{ upload }], out: { inline: true } }) },

  { operation: 'access.grant', input: () => ({ name: 'reader', scope: ['keys:read'], expires: '1h' }), keep: ({ grant }, known) => (known['grant'] = grant.id) },
  { operation: 'access.list' },
  { operation: 'access.revoke', input: ({ grant }) => ({ id: grant }) },
  { operation: 'access.whoami' },
  { operation: 'audit.list', input: () => ({ limit: 5 }) },
  { operation: 'audit.verify' },
  { operation: 'audit.export', input: () => ({ limit: 10 }) },
  { operation: 'config.show' },
  { operation: 'config.explain', input: () => ({ key: 'store.idleLockMinutes' }) },
  { operation: 'config.set', input: () => ({ key: 'store.idleLockMinutes', value: 20 }) },
  { operation: 'config.validate' },
  { operation: 'agent.status' },
  { operation: 'agent.health' },
  { operation: 'agent.metrics' },
  { operation: 'agent.openapi' },
  { operation: 'doctor.run' },
  { operation: 'health.list', input: () => ({ look: true }), keep: ({ findings: [finding] }, known) => (known['finding'] = finding.id) },
  { operation: 'health.hide', input: ({ finding }) => ({ id: finding }) },
  { operation: 'health.list', input: () => ({ hidden: true }) },
  { operation: 'health.unhide', input: ({ finding }) => ({ id: finding }) },
  { operation: 'keys.generate', input: () => ({ backend: 'fake', algorithm: 'ec-p256', label: 'In a token', slot: '9c' }) },
  { operation: 'tokens.list' },
  { operation: 'tokens.show', input: inToken() },
  { operation: 'tokens.slots', input: inToken({ refresh: true }) },
  { operation: 'tokens.mechanisms', input: inToken() },
  { operation: 'tokens.watch', input: () => ({ seconds: 1 }) },
  { operation: 'tokens.rename', input: inToken({ name: 'Blue one' }) },
  { operation: 'tokens.change-pin', input: inToken(), answers: { pin: '123456', 'new-pin': '654321' } },
  { operation: 'tokens.unblock-pin', input: inToken(), answers: { 'new-pin': '123456' } },
  { operation: 'tokens.change-puk', input: inToken(), answers: { 'new-puk': '87654321' } },
  { operation: 'tokens.change-so-pin', input: inToken() },
  { operation: 'tokens.set-management-key', input: inToken({ algorithm: 'aes-192', protect: true }) },
  { operation: 'tokens.set-retries', input: inToken({ pin: 5, puk: 5 }) },
  { operation: 'tokens.set-identifiers', input: inToken() },
  { operation: 'tokens.attest', input: inToken({ slot: '9c' }) },
  { operation: 'tokens.put-certificate', input: inToken({ slot: '9c', certificate: text(CERTIFICATE) }) },
  { operation: 'tokens.get-certificate', input: inToken({ slot: '9c' }) },
  { operation: 'tokens.delete-certificate', input: inToken({ slot: '9c' }) },
  { operation: 'tokens.wrap-key', input: inToken({ slot: '9c' }), keep: ({ wrapped }, known) => (known['wrapped'] = wrapped) },
  { operation: 'tokens.unwrap-key', input: ({ wrapped }) => ({ token: 'fake', slot: '9e', label: 'Unwrapped', wrapped }) },
  { operation: 'tokens.dkek.create-share', input: inToken(), keep: ({ share }, known) => (known['share'] = share) },
  { operation: 'tokens.dkek.import-share', input: ({ share }) => ({ token: 'fake', share }) },
  { operation: 'tokens.move-key', input: inToken({ from: '9c', to: '82' }) },
  { operation: 'tokens.delete-key', input: inToken({ slot: '82' }) },
  { operation: 'tokens.reset', input: inToken() },
  { operation: 'tokens.initialize', input: inToken({ label: 'New' }) },
  { operation: 'jobs.list', keep: ({ jobs: [job] }, known) => (known['job'] = job.id) },
  { operation: 'jobs.show', input: ({ job }) => ({ id: job }) },
  { operation: 'jobs.watch', input: ({ job }) => ({ id: job }) },
  { operation: 'jobs.cancel', input: ({ job }) => ({ id: job }), fails: 'CONFLICT' },
  { operation: 'jobs.pause', input: ({ job }) => ({ id: job }), fails: 'CONFLICT' },
  { operation: 'jobs.resume', input: ({ job }) => ({ id: job }), fails: 'NOT_FOUND' },
  { operation: 'jobs.forget', input: ({ job }) => ({ id: job }) },

  { operation: 'store.backup', input: () => ({ out: { download: true } }), keep: ({ written }, known) => (known['download'] = written.download) },
  { operation: 'files.download', input: ({ download }) => ({ id: download }), keep: (bytes, known) => (known['backup'] = bytes) },
  { operation: 'files.upload', input: () => ({ name: 'backup.kwb' }), body: ({ backup }) => backup, keep: ({ upload }, known) => (known['upload'] = upload) },
  { operation: 'store.open', input: ({ folder }) => ({ folder }) },
  { operation: 'store.lock' },
  { operation: 'store.restore', input: ({ upload }) => ({ from: { upload } }), answers: { confirm: 'replace', 'store-passphrase': PASSPHRASE } },
];

/** @returns a fresh public key on P-256, SubjectPublicKeyInfo (RFC 5480 §2), base64url. */
function peerOnP256(): string {
  const ecdh = createECDH('prime256v1');
  return Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), ecdh.generateKeys()]).toString('base64url');
}

/** @returns an OCSP request, base64url. */
function ocspRequest(certificate: string, issuer: string): string {
  return buildOcspRequest(readCertificates(Buffer.from(certificate))[0]!, readCertificates(Buffer.from(issuer))[0]!, undefined).toString('base64url');
}

/** How a client that knows the operation's record alone calls it over REST. */
export function requestFor(operation: Operation, { ...input }: Record<string, unknown>, answers: Exercise['answers'], upload?: Buffer): { path: string; headers: Record<string, string>; body?: string | Buffer } {
  let path: string = operation.http.path;
  for (const name of pathParameters(operation)) {
    path = path.replace(`{${name}}`, encodeURIComponent(textOf(input[name])));
    delete input[name];
  }
  const headers: Record<string, string> = answers === undefined ? {} : { 'Keywright-Prompt-Answers': Buffer.from(JSON.stringify(answers)).toString('base64url') };
  const query = new URLSearchParams(Object.entries(input).map(([name, value]) => [name, textOf(value)])).toString();
  if (upload !== undefined) return { path: `${path}?${query}`, headers: { ...headers, 'Content-Type': 'application/octet-stream' }, body: upload };
  if (operation.http.method === 'GET' || operation.http.method === 'DELETE') return { path: query === '' ? path : `${path}?${query}`, headers };
  return { path, headers: { ...headers, 'Content-Type': 'application/json' }, body: JSON.stringify(input) };
}

/** As it can stand in a URL: whole characters, and no more than headers may hold. */
function textOf(value: unknown): string {
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed().slice(0, 9000);
}
