import { KeywrightError } from '../../contract/index.ts';
import { buildOcspRequest, type Certificate, distributionPoints, EXTENSION, informationAccess, OCSP_ACCESS, readRevocationLists, type RevocationList } from '../../certificates/index.ts';
import type { Context } from '../context.ts';
import { fetchBytes, type FetchRules } from '../fetching.ts';

/** What certificates name by address, where the user allows that it is asked. */

const MAX_LIST = 64 * 1024 * 1024;

function fetchRules({ services: { config } }: Context): FetchRules {
  return { allowed: config.get('certificates.fetch') === true, local: config.get('certificates.fetchLocal') === true };
}

/** Asks the distribution points of a certificate until each answered once. @throws what the last one threw when none answers */
export async function fetchLists(certificate: Certificate, context: Context): Promise<RevocationList[]> {
  const points = [EXTENSION.crlDistributionPoints, EXTENSION.freshestCrl].flatMap((oid) => certificate.lenient(oid, distributionPoints) ?? []);
  const lists: RevocationList[] = [];
  let failure: unknown;
  for (const { names } of points.slice(0, 10)) {
    for (const name of names) {
      if (name.kind !== 'uri' || !/^https?:/i.test(name.text)) continue;
      try {
        lists.push(...readRevocationLists(await fetchBytes(name.text, fetchRules(context), { most: MAX_LIST, signal: context.call.signal })));
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
  const named = (certificate.lenient(EXTENSION.authorityInformationAccess, informationAccess) ?? []).flatMap(({ method, location }) => (method === OCSP_ACCESS && location.kind === 'uri' ? [location.text] : []));
  const address = url ?? named[0];
  if (address === undefined) throw new KeywrightError('NOT_FOUND', { detail: 'The certificate names no OCSP responder.', remedy: 'Name one (--url), or give a response (--response).' });
  return fetchBytes(address, fetchRules(context), { body: buildOcspRequest(certificate, issuer, nonce), type: 'application/ocsp-request', most: 1024 * 1024, signal: context.call.signal });
}
