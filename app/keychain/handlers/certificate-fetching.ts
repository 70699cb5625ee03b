import { KeywrightError } from '../../contract/index.ts';
import {
  buildOcspRequest, Certificate, type DistributionPoint, distributionPoints, EXTENSION, informationAccess, ISSUER_ACCESS, OCSP_ACCESS, type OcspResponse, parseOcspResponse, readCertificates, readRevocationLists, type RevocationList,
} from '../../certificates/index.ts';
import { readPkcs7 } from '../../formats/index.ts';
import type { Context } from '../context.ts';
import { fetchBytes, type FetchRules } from '../fetching.ts';

/** What certificates name by address, where the user allows that it is asked. */

const MAX_LIST = 64 * 1024 * 1024;

function fetchRules({ services: { config } }: Context): FetchRules {
  return { allowed: config.get('certificates.fetch') === true, local: config.get('certificates.fetchLocal') === true };
}

/** So many certificates are got for one path, and so many seconds are spent for one verdict. */
const MAX_ISSUERS = 5;
const MAX_CERTIFICATES_OF_ADDRESS = 20;
const SECONDS_IN_ALL = 30;
const MAX_BUNDLE = 1024 * 1024;
/** Of one list. */
const MAX_DELTAS = 2;

export interface Fetched {
  readonly issuers: Certificate[];
  readonly lists: RevocationList[];
  readonly responses: OcspResponse[];
  /** What was asked, and what came of it. */
  readonly asked: { readonly what: 'issuer' | 'crl' | 'ocsp'; readonly url: string; readonly problem: string | null }[];
}

/**
 * Gets what is missing for a verdict: issuers that nobody gave (RFC 5280 §4.2.2.1), then lists and responses for each certificate up to one of the roots.
 * What cannot be had is told, and leaves unknown what it would have said.
 * @throws PERMISSION_DENIED when nothing may be got from the network
 */
export async function fetchFor(certificate: Certificate, known: readonly Certificate[], roots: readonly Certificate[], context: Context): Promise<Fetched> {
  const rules = fetchRules(context);
  if (!rules.allowed) throw new KeywrightError('PERMISSION_DENIED', { detail: 'Nothing is got from the network.', remedy: 'Allow it: `keywright config set certificates.fetch true`.' });
  const signal = AbortSignal.any([context.call.signal, AbortSignal.timeout(SECONDS_IN_ALL * 1000)]);
  const fetched: Fetched = { issuers: [], lists: [], responses: [], asked: [] };
  const attempt = async <T>(what: Fetched['asked'][number]['what'], url: string, read: (bytes: Buffer) => T, most: number, body?: Uint8Array): Promise<T | undefined> => {
    try {
      const result = read(await fetchBytes(url, rules, { most, signal, ...(body === undefined ? {} : { body, type: 'application/ocsp-request' }) }));
      fetched.asked.push({ what, url, problem: null });
      return result;
    } catch (thrown) {
      context.call.signal.throwIfAborted();
      fetched.asked.push({ what, url, problem: thrown instanceof Error ? thrown.message : String(thrown) });
      return undefined;
    }
  };
  const path = [certificate];
  for (let last = certificate; !roots.some(({ id }) => id === last.id) && !last.isSelfIssued; ) {
    const isOf = (one: Certificate): boolean => one.subject.canonical === last.issuer.canonical && last.isSignedBy(one) && !path.some(({ id }) => id === one.id);
    let issuer = [...roots, ...known, ...fetched.issuers].find(isOf);
    for (const url of issuer === undefined ? addressesOf(last, ISSUER_ACCESS) : []) {
      if (fetched.asked.filter(({ what }) => what === 'issuer').length === MAX_ISSUERS) break;
      fetched.issuers.push(...((await attempt('issuer', url, readIssuers, MAX_BUNDLE)) ?? []));
      issuer = fetched.issuers.find(isOf);
      if (issuer !== undefined) break;
    }
    if (issuer === undefined) break;
    path.push(issuer);
    last = issuer;
  }
  for (const [index, one] of path.entries()) {
    const issuer = path[index + 1];
    if (issuer === undefined) continue;
    const [responder] = addressesOf(one, OCSP_ACCESS);
    const response = responder === undefined ? undefined : await attempt('ocsp', responder, parseOcspResponse, MAX_BUNDLE, buildOcspRequest(one, issuer, undefined));
    if (response !== undefined) fetched.responses.push(response);
    if (response?.status === 0) continue;
    for (const urls of listAddresses(one)) {
      for (const url of urls) {
        const lists = await attempt('crl', url, readRevocationLists, MAX_LIST);
        if (lists === undefined) continue;
        fetched.lists.push(...lists);
        for (const delta of addressesIn(lists.flatMap(({ deltaPoints }) => deltaPoints)).flat().slice(0, MAX_DELTAS)) fetched.lists.push(...((await attempt('crl', delta, readRevocationLists, MAX_LIST)) ?? []));
        break;
      }
    }
  }
  return fetched;
}

/** One certificate, DER or PEM, or a bundle of them as PKCS#7 (RFC 5280 §4.2.2.1, RFC 5652). */
function readIssuers(bytes: Buffer): Certificate[] {
  try {
    return readCertificates(bytes).slice(0, MAX_CERTIFICATES_OF_ADDRESS);
  } catch {
    return readPkcs7(bytes).certificates.slice(0, MAX_CERTIFICATES_OF_ADDRESS).map((one) => new Certificate(one));
  }
}

const addressesOf = (certificate: Certificate, wanted: string): string[] =>
  (certificate.lenient(EXTENSION.authorityInformationAccess, informationAccess) ?? []).flatMap(({ method, location }) => (method === wanted && location.kind === 'uri' && /^https?:/i.test(location.text) ? [location.text] : []));

/** @returns the addresses of each distribution point: one of them has to answer. */
const listAddresses = (certificate: Certificate): string[][] => addressesIn([EXTENSION.crlDistributionPoints, EXTENSION.freshestCrl].flatMap((oid) => certificate.lenient(oid, distributionPoints) ?? []).slice(0, 10));

const addressesIn = (points: readonly DistributionPoint[]): string[][] => points.map(({ names }) => names.flatMap((name) => (name.kind === 'uri' && /^https?:/i.test(name.text) ? [name.text] : [])));

/** Asks the distribution points of a certificate until each answered once. @throws what the last one threw when none answers */
export async function fetchLists(certificate: Certificate, context: Context): Promise<RevocationList[]> {
  const lists: RevocationList[] = [];
  let failure: unknown;
  for (const urls of listAddresses(certificate)) {
    for (const url of urls) {
      try {
        lists.push(...readRevocationLists(await fetchBytes(url, fetchRules(context), { most: MAX_LIST, signal: context.call.signal })));
        break;
      } catch (thrown) {
        failure = thrown;
      }
    }
  }
  if (lists.length > 0) return lists;
  throw failure ?? new KeywrightError('NOT_FOUND', { detail: 'The certificate names no distribution point that can be asked.', remedy: 'Import its revocation list from a file.' });
}

/** @returns an OCSP response, DER, that says nothing yet: it is for the caller to judge. */
export async function askResponder(certificate: Certificate, issuer: Certificate, url: string | undefined, nonce: Uint8Array | undefined, context: Context): Promise<Uint8Array> {
  const address = url ?? addressesOf(certificate, OCSP_ACCESS)[0];
  if (address === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'The certificate names no OCSP responder.', remedy: 'Name one (--url), or give a response (--response).' });
  return fetchBytes(address, fetchRules(context), { body: buildOcspRequest(certificate, issuer, nonce), type: 'application/ocsp-request', most: 1024 * 1024, signal: context.call.signal });
}
