import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Session } from '../session.ts';

/** Longest chain that is shown; a loop of issuers ends there. */
export const MAX_CHAIN = 100;

/** @returns the certificate, who issued it, and so on, as far as it is held here. */
export async function chainOf(stored: StoredCertificate, { certificates }: Session): Promise<{ chain: StoredCertificate[]; complete: boolean }> {
  const chain = [stored];
  while (chain.length < MAX_CHAIN) {
    const last = chain.at(-1)!;
    if (last.selfSigned) return { chain, complete: true };
    const issuer = await certificates.issuerOf(last);
    if (issuer === undefined || chain.includes(issuer)) return { chain, complete: false };
    chain.push(issuer);
  }
  return { chain, complete: false };
}

/** Breadth first; each once, so that a loop ends. */
export async function issuedBelow(top: StoredCertificate, { certificates }: Session): Promise<{ id: string; label: string; issuedBy: string }[]> {
  const below: { id: string; label: string; issuedBy: string }[] = [];
  const seen = new Set([top.id]);
  let level = [top];
  while (level.length > 0 && below.length < 1000) {
    const next: StoredCertificate[] = [];
    for (const one of certificates.all()) {
      if (seen.has(one.id) || one.trashedUntil !== null || !level.some(({ subjectId }) => subjectId === one.issuerId)) continue;
      const issuer = await certificates.issuerOf(one);
      if (issuer === undefined || !level.includes(issuer)) continue;
      seen.add(one.id);
      below.push({ id: one.id, label: one.label, issuedBy: issuer.id });
      next.push(one);
    }
    level = next;
  }
  return below;
}
