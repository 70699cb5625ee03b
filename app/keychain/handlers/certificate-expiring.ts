import { calendar, csv, type ExpiringRow } from '../expiry-files.ts';
import { isRevokedForGood, type StoredCertificate } from '../certificate-inventory.ts';
import type { Session } from '../session.ts';
import { livingKeys } from './certificate-records.ts';
import type { HandlersOf } from './handlers.ts';

const DAY = 86_400_000;

export const expiringHandler: Pick<HandlersOf<'certificates'>, 'certificates.expiring'> = {
  async 'certificates.expiring'(input, { session, services }) {
    if (services.about.kind === 'cli') await session.found.settled();
    const rows = expiringRows(session, input);
    return { certificates: rows, ...(input.format === 'table' ? {} : { content: input.format === 'csv' ? csv(rows) : calendar(rows) }) };
  },
};

/** @returns certificates that end within so many days, the next to end first. */
function expiringRows(session: Session, { days, expired, revoked }: { days: number; expired: boolean; revoked: boolean }, now = Date.now()): ExpiringRow[] {
  const until = new Date(now + days * DAY).toISOString();
  const from = expired ? '' : new Date(now).toISOString();
  const found: StoredCertificate[] = [];
  for (const one of session.certificates.allKinds()) if (one.trashedUntil === null && one.notAfter <= until && one.notAfter >= from && (revoked || !isRevokedForGood(one))) found.push(one);
  found.sort((a, b) => (a.notAfter < b.notAfter ? -1 : a.notAfter > b.notAfter ? 1 : a.id < b.id ? -1 : 1));
  return found.map((one) => {
    const [key] = livingKeys(one.publicKey, session);
    return {
      id: one.id, label: one.label, subject: one.subject, issuer: one.issuer, notAfter: one.notAfter, days: Math.floor((Date.parse(one.notAfter) - now) / DAY),
      place: [...(one.kept ? ['This store'] : []), ...one.tokens.map(({ title, slot }) => `${title}, ${slot}`)].join('; '), key: key?.label ?? null, renewable: (key !== undefined || one.type === 'openssh') && (one.selfSigned || issuerHasKey(one, session)), revoked: one.revoked !== null,
    };
  });
}

function issuerHasKey(one: StoredCertificate, session: Session): boolean {
  if (one.type === 'openssh') return livingKeys(one.issuerId, session).length > 0;
  return session.certificates.withSubject(one.issuerId).some((issuer) => livingKeys(issuer.publicKey, session).length > 0);
}
