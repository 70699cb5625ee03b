import type { StoredCertificate } from '../certificate-inventory.ts';
import { validityOf } from '../certificate-inventory.ts';
import { cursorAfter, parseFilter, positionOf, startOf } from '../listing.ts';
import { primary } from '../inventory.ts';
import type { Session } from '../session.ts';
import { certificateRecord, livingKeys } from './certificate-records.ts';
import type { HandlersOf } from './handlers.ts';

const DAY = 86_400_000;
type SortField = 'label' | 'subject' | 'issuer' | 'notBefore' | 'notAfter' | 'createdAt';

export const certificateListHandler: Pick<HandlersOf<'certificates'>, 'certificates.list'> = {
  async 'certificates.list'(input, { session, services }) {
    // A command that runs by itself has watched nothing: it looks now.
    if (services.about.kind === 'cli') await session.found.settled();
    const { certificates } = session;
    const filter = parseFilter(input.filter ?? '', fieldsFor(session));
    const words = (input.search ?? '').toLowerCase().split(/\s+/).filter((word) => word !== '');
    const before = input.expiring === undefined ? undefined : new Date(Date.now() + input.expiring * DAY).toISOString();
    const publicKey = input.key === undefined ? undefined : primary(session.inventory.resolve(input.key)).fingerprint;
    const descending = input.sort.startsWith('-');
    const field = (descending ? input.sort.slice(1) : input.sort) as SortField;
    const among = publicKey === undefined ? [...certificates.allKinds()] : certificates.allForKey(publicKey);
    const found = among.filter((one) => (one.trashedUntil !== null) === input.trash && (before === undefined || one.notAfter <= before) && certificates.has(one, words) && filter.every((matches) => matches(one)));
    const keyed = found.map((certificate) => ({ certificate, by: `${certificate[field].toLowerCase()}\u0000${certificate.label.toLowerCase()}\u0000${certificate.id}` }));
    keyed.sort((a, b) => (a.by < b.by ? -1 : 1));
    const sorted = (descending ? keyed.reverse() : keyed).map(({ certificate }) => certificate);
    const start = input.offset ?? startOf(input.cursor, sorted);
    const end = start + input.limit;
    return {
      certificates: await Promise.all(sorted.slice(start, end).map((certificate) => certificateRecord(certificate, session))),
      cursor: end < sorted.length ? cursorAfter(sorted[end - 1]!, end) : null, total: sorted.length,
      ...(input.seek !== undefined && { position: positionOf(input.seek, input.seekFrom ?? 0, sorted) }),
    };
  },
};

function fieldsFor(session: Session): Readonly<Record<string, (certificate: StoredCertificate) => readonly string[]>> {
  const keys = ({ publicKey }: StoredCertificate) => livingKeys(publicKey, session);
  return {
    label: ({ label }) => [label], subject: ({ subject }) => [subject], issuer: ({ issuer }) => [issuer], name: ({ names }) => names.flatMap((name) => [name, name.slice(name.indexOf(':') + 1)]), purpose: ({ purposes }) => purposes, type: ({ type }) => [type ?? 'x509'],
    place: ({ kept, tokens, ...one }) => [...(kept ? ['store'] : []), ...tokens.flatMap(({ token, title }) => [token, title]), ...keys(one as StoredCertificate).map(({ backend }) => backend)],
    key: (one) => keys(one).flatMap(({ uri, id, label }) => [uri, id, label]), tag: ({ tags }) => tags, algorithm: ({ keyAlgorithm, signatureAlgorithm }) => [keyAlgorithm, signatureAlgorithm], validity: (one) => [validityOf(one)],
    trusted: ({ trusted }) => [String(trusted)], origin: ({ origin }) => [origin], revoked: ({ revoked }) => [String(revoked !== null)], serial: ({ serial }) => [serial],
  };
}
