import { KEY_ALGORITHMS, SIGNATURE_ALGORITHMS, type SignatureAlgorithmName, signatureAlgorithmsOf } from '../contract/index.ts';
import { ecdsaDerToP1363 } from '../formats/index.ts';
import { parseJson } from '../formats/json.ts';
import { thumbprint } from '../formats/jwk.ts';
import { malformed, malformedAt } from '../formats/malformed.ts';
import type { FileContent } from './content.ts';
import { contentOfMessage, type FormatModule, type Made, notIntact, type SignatureVerdict, type SigningKey, type SignOptions, type Trust } from './format.ts';
import { readJws, type JwsSignature } from './jws-read.ts';
import { JOSE_ALGORITHMS } from './names.ts';
import type { Frame } from './raw.ts';
import { tryCertified } from './vouched.ts';
import { chainFor } from './certificate-for.ts';

/**
 * JWS (RFC 7515): compact or JSON, with the payload inside or detached (appendix F). A detached payload is signed as it is
 * (`b64: false`, RFC 7797), so that a file of any size is hashed once and nothing is encoded. JWT (RFC 7519): the file is the set of claims.
 */
const MAX_TOKEN = 128 * 1024 * 1024;

export const jws: FormatModule = {
  sign: (file, key, options) => make(file, key, options, {}),
  async verify(file, signature, trust) {
    return (await judgeAll(file, signature, trust)).verdicts;
  },
};

export const jwt: FormatModule = {
  async sign(file, key, options) {
    claimsOf(await file.whole(1024 * 1024));
    return make(file, key, { ...options, detached: false, form: 'compact' }, { typ: options.payloadType ?? 'JWT' });
  },
  async verify(file, signature, trust) {
    const { verdicts, payload } = await judgeAll(file, signature, trust);
    const claims = claimsOf(payload ?? (await file.whole(1024 * 1024)));
    return verdicts.map((verdict) => (verdict.intact ? { ...verdict, ...timely(claims, trust.at, verdict), notes: [...verdict.notes, ...facts(claims)] } : verdict));
  },
};

/** @returns a JWT of claims, compact. @throws INVALID_INPUT for times that are no numbers, and what the key throws */
export async function signClaims(claims: Claims, key: SigningKey, options: Pick<SignOptions, 'algorithm' | 'payloadType' | 'certificate'>): Promise<string> {
  const payload = Buffer.from(JSON.stringify(claims));
  claimsOf(payload);
  const protectedText = await protectedHeader(key, options, { typ: options.payloadType ?? 'JWT' });
  const message = Buffer.from(`${protectedText}.${payload.toString('base64url')}`);
  return `${message.toString()}.${signatureText(await key.sign(options.algorithm, contentOfMessage(options.algorithm, message), message), key, options.algorithm)}`;
}

async function protectedHeader(key: SigningKey, { algorithm, payloadType, certificate }: Pick<SignOptions, 'algorithm' | 'payloadType' | 'certificate'>, more: Record<string, unknown>): Promise<string> {
  const alg = JOSE_ALGORITHMS[algorithm]?.(key.algorithm);
  const chain = certificate === undefined ? {} : { x5c: (await chainFor(key)).map(({ der }) => Buffer.from(der).toString('base64')) };
  return Buffer.from(JSON.stringify({ alg, kid: thumbprint(key.spki), ...chain, ...(payloadType === undefined ? {} : { typ: payloadType }), ...more })).toString('base64url');
}

/** ECDSA as r and s side by side (RFC 7518 §3.4). */
function signatureText(made: Uint8Array, key: SigningKey, algorithm: SignatureAlgorithmName): string {
  return Buffer.from(SIGNATURE_ALGORITHMS[algorithm].family === 'ecdsa' ? ecdsaDerToP1363(made, KEY_ALGORITHMS[key.algorithm].bits) : made).toString('base64url');
}

async function make(file: FileContent, key: SigningKey, options: SignOptions, more: Record<string, unknown>): Promise<Made> {
  const { algorithm, detached = true, form = 'compact' } = options;
  const protectedText = await protectedHeader(key, options, { ...more, ...(detached ? { b64: false, crit: ['b64'] } : {}) });
  const signature = signatureText(await key.sign(algorithm, await file.for(algorithm, frameOf(protectedText, !detached))), key, algorithm);
  const [start, end] = form === 'compact' ? [`${protectedText}.`, `.${signature}`]
    : detached ? [`{"signatures":[{"protected":"${protectedText}","signature":"${signature}"}]}\n`, ''] : [`{"payload":"`, `","signatures":[{"protected":"${protectedText}","signature":"${signature}"}]}\n`];
  if (detached) return { bytes: Buffer.from(start + end) };
  return { async write(take) {
    await take(Buffer.from(start));
    await file.encoded(take);
    await take(Buffer.from(end));
  } };
}

/** What is signed: the protected header, a dot, and the payload, encoded or not (RFC 7515 §5.1, RFC 7797 §3). */
function frameOf(protectedText: string, encoded: boolean): Frame {
  return { before: Buffer.from(`${protectedText}.`), ...(encoded ? { base64url: true } : {}) };
}

async function judgeAll(file: FileContent, signature: Uint8Array | null, trust: Trust): Promise<{ verdicts: SignatureVerdict[]; payload: Uint8Array | null }> {
  const { payload, signatures } = readJws(signature ?? (await file.whole(MAX_TOKEN)));
  if (payload === null && signature === null) throw malformed('The payload is detached.', undefined, 'Name the file, and the signature’s file beside it.');
  if (payload !== null && signature !== null && !(await file.holds(payload.content))) return { verdicts: [notIntact('The JWS holds another file than this one.')], payload: payload.content };
  const verdicts: SignatureVerdict[] = [];
  for (const one of signatures) verdicts.push(await judge(one, payload, file, trust));
  return { verdicts, payload: payload?.content ?? null };
}

async function judge({ protectedText, alg, encoded, signature, certificates, problem }: JwsSignature, payload: { text: string; content: Uint8Array } | null, file: FileContent, trust: Trust): Promise<SignatureVerdict> {
  if (problem !== null) return notIntact(problem);
  const frame = frameOf(protectedText, encoded);
  return tryCertified({
    signature, ecdsa: 'p1363',
    // The header says which algorithm; which key may use it is ours to say, so that no public key is ever taken for a secret.
    algorithms: ({ algorithm: key }) => signatureAlgorithmsOf(key).filter((name) => JOSE_ALGORITHMS[name]?.(key) === alg || (alg === 'Ed25519' && name === 'ed25519') || (alg === 'Ed448' && name === 'ed448')),
    content: async (algorithm: SignatureAlgorithmName) => (payload === null ? file.for(algorithm, frame) : { message: Buffer.concat([frame.before as Uint8Array, Buffer.from(payload.text)]) }),
  }, certificates, trust);
}

export type Claims = Readonly<Record<string, unknown>>;

/** @throws INVALID_INPUT unless it is a set of claims whose times are numbers (RFC 7519 §2, §4.1). */
function claimsOf(content: Uint8Array): Claims {
  const claims = parseJson(content);
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw malformed('The claims of a JWT should be a JSON object.', 0);
  for (const name of ['exp', 'nbf', 'iat']) {
    const value = (claims as Claims)[name];
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 8.64e12)) throw malformedAt(`/${name}`, `“${name}” should be a time: seconds since 1970.`);
  }
  return claims as Claims;
}

function timely(claims: Claims, at: Date, verdict: SignatureVerdict): Partial<SignatureVerdict> {
  const now = at.getTime() / 1000;
  const time: SignatureVerdict['time'] = typeof claims['iat'] === 'number' ? { at: new Date(claims['iat'] * 1000).toISOString(), according: 'signer', by: null } : null;
  if (typeof claims['exp'] === 'number' && now >= claims['exp']) return { time, trustedBy: null, problem: `The token expired at ${new Date(claims['exp'] * 1000).toISOString()}.` };
  if (typeof claims['nbf'] === 'number' && now < claims['nbf']) return { time, trustedBy: null, problem: `The token is not valid before ${new Date(claims['nbf'] * 1000).toISOString()}.` };
  return { time, problem: verdict.problem };
}

function facts(claims: Claims): string[] {
  return ['iss', 'sub', 'aud'].flatMap((name) => (claims[name] === undefined ? [] : [`The token’s ${name} is ${JSON.stringify(claims[name])}.`]));
}
