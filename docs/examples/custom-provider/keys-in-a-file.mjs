#!/usr/bin/env node
// A complete provider for Keywright: keys in one JSON file, with nothing but Node's own modules.
//
// It is an example of the protocol, not of safe keeping: the file is protected by its permissions alone. A program of your own would
// talk to the device or service that holds your keys instead of to a file. See ../../custom-backends.md.
import { createHmac, createPrivateKey, createPublicKey, createSecretKey, diffieHellman, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

// What it can do. Keywright offers nothing else to its users, and asks for nothing else.
const ALGORITHMS = {
  'ec-p256': { usages: ['sign', 'verify', 'agree', 'encrypt', 'decrypt'], make: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey },
  ed25519: { usages: ['sign', 'verify'], make: () => generateKeyPairSync('ed25519').privateKey },
  'hmac-sha256': { usages: ['mac', 'verify-mac'], make: () => createSecretKey(randomBytes(32)) },
};
const CAPABILITIES = ['sign', 'verify', 'encrypt', 'decrypt', 'agree', 'mac', 'verify-mac', 'generate', 'import', 'export', 'copy', 'random'];

let file;
let keys = {};

const save = () => {
  // Beside it first, then in its place: a crash leaves the old file or the new one, never half of one.
  writeFileSync(`${file}.new`, JSON.stringify(keys), { mode: 0o600 });
  renameSync(`${file}.new`, file);
};

// An error that Keywright understands. Codes: docs/worker-protocol.md.
class Refusal extends Error {
  constructor(code, detail, more = {}) {
    super(detail);
    Object.assign(this, { code, more });
  }
}

const bytes = (text) => Buffer.from(text, 'base64url');
const text = (value) => Buffer.from(value).toString('base64url');
const find = (id) => {
  if (!Object.hasOwn(keys, id)) throw new Refusal('NOT_FOUND', `There is no key ${id}.`);
  return keys[id];
};
const isPair = (algorithm) => !algorithm.startsWith('hmac');
const load = ({ algorithm, secret }) => (isPair(algorithm) ? createPrivateKey({ key: bytes(secret), format: 'der', type: 'pkcs8' }) : createSecretKey(bytes(secret)));
const secretOf = (key) => (key.type === 'private' ? key.export({ type: 'pkcs8', format: 'der' }) : key.export());

// What Keywright is told of a key: everything but the secret.
const describe = (id) => {
  const { label, algorithm, usages, extractable, createdAt, publicKey } = find(id);
  return { id, label, algorithm, usages, extractable, createdAt, publicKey };
};

const keep = ({ id, algorithm, label, usages, extractable }, key) => {
  if (Object.hasOwn(keys, id)) throw new Refusal('ALREADY_EXISTS', `There is a key ${id} already.`);
  const publicKey = key.type === 'private' ? text(createPublicKey(key).export({ type: 'spki', format: 'der' })) : null;
  keys[id] = { label, algorithm, usages, extractable, createdAt: new Date().toISOString(), publicKey, secret: text(secretOf(key)) };
  save();
  return describe(id);
};

const METHODS = {
  'keys.list': () => ({ keys: Object.keys(keys).map(describe) }),
  'keys.get': ({ key }) => describe(key),
  'keys.generate': (input) => keep(input, ALGORITHMS[input.algorithm].make()),
  'keys.import': (input) => keep(input, load({ algorithm: input.algorithm, secret: input.material })),
  'keys.export': ({ key }) => {
    const { extractable, secret } = find(key);
    if (!extractable) throw new Refusal('PERMISSION_DENIED', 'This key is not extractable.');
    return { material: secret };
  },
  'keys.remove': ({ key }) => {
    find(key);
    delete keys[key];
    save();
    return {};
  },
  // `data` is the digest for ECDSA, and the message itself for Ed25519: Keywright has hashed already.
  'keys.sign': ({ key, algorithm, data }) => {
    const found = find(key);
    if (algorithm === 'ed25519') return { signature: text(sign(null, bytes(data), load(found))) };
    return { signature: text(signDigest(load(found), bytes(data))) };
  },
  'keys.agree': ({ key, peer }) => ({ secret: text(diffieHellman({ privateKey: load(find(key)), publicKey: createPublicKey({ key: bytes(peer), format: 'der', type: 'spki' }) })) }),
  'keys.mac': ({ key, message }) => ({ mac: text(createHmac('sha256', load(find(key))).update(bytes(message)).digest()) }),
  random: ({ length }) => ({ bytes: text(randomBytes(length)) }),
};

// --- ECDSA over a ready digest, which Node's own `sign` does not do (FIPS 186-5 §6.4.1, on P-256) ---

const P = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const number = (value) => BigInt(`0x${Buffer.from(value).toString('hex') || '0'}`);
const mod = (value, modulus) => ((value % modulus) + modulus) % modulus;
const inverse = (value, modulus) => {
  let [a, b, x, y] = [mod(value, modulus), modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return mod(x, modulus);
};
function signDigest(privateKey, digest) {
  const d = number(Buffer.from(privateKey.export({ format: 'jwk' }).d, 'base64url'));
  const z = number(digest.subarray(0, 32));
  for (;;) {
    // A fresh key pair gives a random k and the point k·G, without curve arithmetic of our own.
    const { d: kText, x } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const k = number(Buffer.from(kText, 'base64url'));
    const r = mod(mod(number(Buffer.from(x, 'base64url')), P), N);
    const s = mod(inverse(k, N) * (z + r * d), N);
    if (r !== 0n && s !== 0n) return derSignature(r, s);
  }
}
function derSignature(...numbers) {
  const integers = numbers.map((value) => {
    const hex = value.toString(16);
    const raw = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
    const content = raw[0] >= 0x80 ? Buffer.concat([Buffer.of(0), raw]) : raw;
    return Buffer.concat([Buffer.of(0x02, content.length), content]);
  });
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.of(0x30, content.length), content]);
}

// --- The protocol: JSON messages, each behind its length in four bytes, on standard input and output ---

const MOST = 24 * 1024 * 1024;

const send = (message) => {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  process.stdout.write(Buffer.concat([head, body]));
};

function hello({ protocol, settings }) {
  if (protocol !== 1) return send({ type: 'failed', error: { code: 'BACKEND_UNAVAILABLE', detail: `Version ${protocol} of the protocol is too new for this program.` } });
  file = settings.file;
  if (file === undefined) return send({ type: 'failed', error: { code: 'BACKEND_UNAVAILABLE', detail: 'The option “file” is missing.', remedy: "Set it: --set options='file=/path/to/keys.json'" } });
  if (existsSync(file)) keys = JSON.parse(readFileSync(file, 'utf8'));
  send({ type: 'hello', protocol: 1, name: 'keys-in-a-file', version: '1.0', facts: { algorithms: Object.keys(ALGORITHMS), capabilities: CAPABILITIES } });
}

function call({ id, method, input }) {
  try {
    if (!Object.hasOwn(METHODS, method)) throw new Refusal('CAPABILITY_MISSING', `This program does not know ${method}.`);
    send({ type: 'result', id, output: METHODS[method](input) });
  } catch (error) {
    // Never the words of an error that is not ours: they could hold anything.
    if (error instanceof Refusal) send({ type: 'failed', id, error: { code: error.code, detail: error.message, ...error.more } });
    else send({ type: 'failed', id, error: { code: 'INTERNAL', detail: `${method} failed.` } });
  }
}

let pending = Buffer.alloc(0);
process.stdin.on('data', (piece) => {
  pending = Buffer.concat([pending, piece]);
  while (pending.length >= 4) {
    const length = pending.readUInt32BE(0);
    if (length > MOST) process.exit(1);
    if (pending.length < 4 + length) return;
    const message = JSON.parse(pending.toString('utf8', 4, 4 + length));
    pending = pending.subarray(4 + length);
    if (message.type === 'hello') hello(message);
    else if (message.type === 'call') call(message);
    // `cancel` needs no answer: everything here is over before it could be heard.
  }
});
// Keywright has gone: so do we.
process.stdin.on('end', () => process.exit(0));
