import { lookup } from 'node:dns';
import type { RequestOptions } from 'node:http';
import { BlockList, isIP, type LookupFunction } from 'node:net';
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

/** Resolves once for one connection, which goes to what was judged and nowhere else; one bad address among good ones refuses the name. */
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

/** Networks that are nobody else's, or lead to such (IANA's registries of special-purpose addresses, RFC 6890), and multicast. Of IPv6, what is not global unicast (2000::/3) is not asked at all. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3',
];
/** 2001::/23 is for protocols (Teredo, benchmarking, ORCHID), 2002::/16 carries IPv4 addresses, 2001:db8::/32 and 3fff::/20 are for documentation. */
const SPECIAL_IPV6 = ['::/3', '2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', '4000::/2', '8000::/1'];
let special: Readonly<Record<'ipv4' | 'ipv6', BlockList>> | undefined;

/** Two lists: node takes an IPv4 address for the IPv6 one that stands for it. */
const specialNetworks = (): NonNullable<typeof special> => (special ??= { ipv4: listOf(SPECIAL_IPV4, 'ipv4'), ipv6: listOf(SPECIAL_IPV6, 'ipv6') });

function listOf(networks: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** @param address IPv4 or IPv6, however it is written; an IPv6 address that stands for an IPv4 one is local whatever that is: nobody publishes those. */
export function isLocalAddress(address: string): boolean {
  const bare = address.replace(/%.*$/s, '');
  const version = isIP(bare);
  if (version === 0) return true;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return specialNetworks()[family].check(bare, family);
}
