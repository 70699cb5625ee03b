import { lookup } from 'node:dns';
import type { RequestOptions } from 'node:http';
import { isIP, type LookupFunction } from 'node:net';
import { KeywrightError } from '../contract/index.ts';

/**
 * Gets what certificates name by address: who issued them, revocation lists and OCSP responses. Off unless the user allows it. Addresses come from strangers: those of this
 * machine and of private networks are refused unless they are allowed too, and it is the address that is connected to that is judged, not the name.
 */
export interface FetchRules { readonly allowed: boolean; readonly local: boolean }

const SECONDS = 15;
const MAX_REDIRECTS = 3;

/**
 * @param body posted when given, else it is a GET. @param most bytes of the answer. Redirects are followed three times, each judged anew.
 * @throws PERMISSION_DENIED when it is off or the address is local, BACKEND_UNAVAILABLE, TIMEOUT, INVALID_INPUT for another scheme
 */
export async function fetchBytes(address: string, { allowed, local }: FetchRules, { body, type, most, signal }: { body?: Uint8Array; type?: string; most: number; signal: AbortSignal }): Promise<Buffer> {
  if (!allowed) throw new KeywrightError('PERMISSION_DENIED', { detail: `Nothing is got from the network: ${host(address)} was not asked.`, remedy: 'Allow it: `keywright config set certificates.fetch true`.' });
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(SECONDS * 1000)]);
  let url = allowedUrl(address, local);
  try {
    for (let hops = 0; ; hops++) {
      const answer = await ask(url, local, body, type, most, deadline);
      if (Buffer.isBuffer(answer)) return answer;
      if (hops === MAX_REDIRECTS) throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${host(address)} points elsewhere more than ${MAX_REDIRECTS} times.` });
      url = allowedUrl(answer.location, local, url);
    }
  } catch (thrown) {
    if (thrown instanceof KeywrightError) throw thrown;
    signal.throwIfAborted();
    const { code, name } = thrown as NodeJS.ErrnoException;
    if (name === 'TimeoutError' || name === 'AbortError') throw new KeywrightError('TIMEOUT', { detail: `${url.host} did not answer within ${SECONDS} s.`, cause: thrown });
    throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${url.host} cannot be reached${code === undefined ? '' : ` (${code})`}.`, cause: thrown });
  }
}

/** @param base who pointed there. @throws INVALID_INPUT, PERMISSION_DENIED */
function allowedUrl(address: string, local: boolean, base?: URL): URL {
  const place = base === undefined ? { where: '/url' } : {};
  if (!URL.canParse(address, base)) throw new KeywrightError(base === undefined ? 'INVALID_INPUT' : 'BACKEND_UNAVAILABLE', { detail: base === undefined ? 'That is no address.' : `${base.host} points to what is no address.`, ...place });
  const url = new URL(address, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new KeywrightError('INVALID_INPUT', { detail: `Addresses of the kind ${url.protocol} are not asked.`, ...place, alternatives: ['http:', 'https:'] });
  if (url.username !== '' || url.password !== '') throw new KeywrightError('INVALID_INPUT', { detail: 'An address must not hold a name or a password.', ...place });
  const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (!local && isIP(bare) !== 0 && isLocalAddress(bare)) throw refusedLocal(bare);
  return url;
}

/** One request. @returns the body of a 200, or where a redirect points: after a POST only where it says to post again (RFC 9110 §15.4.8, §15.4.9). */
async function ask(url: URL, local: boolean, body: Uint8Array | undefined, type: string | undefined, most: number, signal: AbortSignal): Promise<Buffer | { location: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | { location: string }>();
  const options: RequestOptions = {
    method: body === undefined ? 'GET' : 'POST', lookup: guardedLookup(local), signal, agent: false,
    headers: { 'User-Agent': 'Keywright', ...(body === undefined ? {} : { 'Content-Type': type ?? 'application/octet-stream', 'Content-Length': body.length }) },
  };
  // Not imported: that would load all of node's HTTP, WebSockets included, into every command (some 50 ms).
  const { request: begin } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const request = begin(url, options, (response) => {
    const { statusCode = 0, headers: { location } } = response;
    const follows = statusCode === 307 || statusCode === 308 || (body === undefined && [301, 302, 303].includes(statusCode));
    if (statusCode !== 200) {
      response.once('error', () => undefined);
      response.destroy();
      if (follows && location !== undefined) resolve({ location });
      else reject(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${url.host} answers ${statusCode}.` }));
      return;
    }
    const parts: Buffer[] = [];
    let size = 0;
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= most) parts.push(part);
      else response.destroy(new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${url.host} answers with more than ${most} bytes.` }));
    });
    response.once('end', () => resolve(Buffer.concat(parts)));
    response.once('error', reject);
  });
  request.on('error', reject);
  request.end(body);
  return promise;
}

const host = (address: string): string => (URL.canParse(address) ? new URL(address).host : 'the address');
const refusedLocal = (address: string): KeywrightError => new KeywrightError('PERMISSION_DENIED', { detail: `${address} is an address of this machine or of a private network: it is not asked.`, remedy: 'Allow it: `keywright config set certificates.fetchLocal true`.' });

function guardedLookup(local: boolean): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const found = typeof addresses === 'string' ? [] : addresses;
      if (error !== null) return callback(error, []);
      const bad = local ? undefined : found.find(({ address }) => isLocalAddress(address));
      if (bad !== undefined) return callback(refusedLocal(bad.address) as NodeJS.ErrnoException, []);
      const [first] = found;
      if (options.all === true) return callback(null, found);
      return callback(null, first?.address ?? '', first?.family ?? 4);
    });
  };
}

/** Loopback, private, link-local, shared, documentation, multicast and reserved networks (RFC 6890). */
export function isLocalAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  if (isIP(mapped) === 4) {
    const [a = 0, b = 0] = mapped.split('.').map(Number);
    return a === 0 || a === 10 || a === 127 || a >= 224 || (a === 100 && b >= 64 && b < 128) || (a === 169 && b === 254) || (a === 172 && b >= 16 && b < 32) || (a === 192 && (b === 168 || b === 0)) || (a === 198 && (b === 18 || b === 19 || b === 51)) || (a === 203 && b === 0);
  }
  // Global unicast is 2000::/3; of it, 2001:db8:: is documentation, and 2001:0::, 64:ff9b:: and 2002:: carry other addresses within.
  const groups = mapped.toLowerCase().split(':');
  const first = Number.parseInt(/^([0-9a-f]*)/i.exec(mapped)?.[1] || '0', 16);
  return (first & 0xe000) !== 0x2000 || first === 0x2002 || (groups[0] === '2001' && [0, 0xdb8].includes(Number.parseInt(groups[1] || '0', 16)));
}
