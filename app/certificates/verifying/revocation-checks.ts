import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList } from '../reading/crl.ts';
import { EXTENSION } from '../reading/extensions.ts';
import type { Checks } from './check.ts';
import { isAbout, type RevocationAnswer, revocationOf } from './revocation.ts';
import type { Judging, KnownRevocation, VerifyInput } from './verdict.ts';

/** Revocation along a path: for whom it is asked, whose lists count, and what is known without one. */

/** RFC 3161 §4: whose timestamps stay good although it was revoked later. For any other reason, or none, its key may have stamped times long gone. */
const OUTLIVED_BY_TIMESTAMPS: ReadonlySet<string> = new Set(['affiliation-changed', 'superseded', 'cessation-of-operation']);

/** Whether a revocation at that time, for that reason, is one at the time that is judged. */
export const revocationCounts = ({ at, evidenceUntil, purpose }: VerifyInput, when: Date, reason: string): boolean => evidenceUntil === undefined || when <= at || (purpose === 'timestamp' && !OUTLIVED_BY_TIMESTAMPS.has(reason));

/** Asks for each certificate of a path whether it is revoked. @returns an answer for each but the root, whom nobody above can revoke */
export function checkRevocation(certificates: readonly Certificate[], all: readonly Checks[], judging: Judging): (RevocationAnswer | undefined)[] {
  const { input, work } = judging;
  const { crls, ocsp, revoked, at, evidenceUntil, purpose, revocation, strict } = input;
  const counts = (when: Date, reason: string): boolean => revocationCounts(input, when, reason);
  const evidence = { crls, ocsp, at, until: evidenceUntil ?? at, counts, allowWeak: input.allowWeak === true, strict: strict && (purpose === 'tls-server' || purpose === 'tls-client'), signersOf: listSigners(certificates, judging), signed: (what: RevocationList, by: Certificate) => work.signed(what, by) };
  return certificates.map((certificate, depth) => {
    const issuer = certificates[depth + 1];
    if (issuer === undefined) return undefined; // whom we trust, nobody above can revoke
    const noCheck = depth === 0 && certificate.extension(EXTENSION.ocspNoCheck) !== undefined;
    const known = revoked.get(certificate.id);
    const answer = known !== undefined && counts(known.at, known.reason) ? knownAnswer(known) : revocationOf(certificate, issuer, evidence);
    const given = revocation === 'given' && (depth === 0 || crls.some((crl) => crl.issuer.canonical === certificate.issuer.canonical) || ocsp.some(({ responses }) => responses.some(({ id }) => isAbout(id, certificate, issuer))));
    const needed = revocation === 'chain' || given || (revocation === 'leaf' && depth === 0);
    const checks = all[depth]!;
    const text = answer.notes.join(' ');
    if (depth === 0) for (const sentence of input.unreadable ?? []) checks.unknown('revocation', sentence);
    if (answer.state === 'revoked') checks.fail('revocation', text, 'RFC 5280 §6.1.3 (a)(3)');
    else if (answer.state === 'good') checks.ok('revocation', text, 'RFC 5280 §6.1.3 (a)(3)');
    else if (needed && !noCheck) checks.fail('revocation', `Whether it is revoked is not known, and was asked for. ${text}`, 'RFC 5280 §6.1.3 (a)(3)');
    else checks.unknown('revocation', revocation === 'off' && crls.length + ocsp.length === 0 ? 'Whether it is revoked was not asked.' : text, 'RFC 5280 §6.1.3 (a)(3)');
    return answer;
  });
}

/** So many certificates that may have signed one list are judged. */
const MAX_LIST_SIGNERS = 4;

/**
 * Who may have signed a list (RFC 5280 §6.3.3 (f)): an authority of this path that has the name of the list's issuer, else another certificate of that name
 * with a path of its own to the same root. Authorities may have a key for lists alone, and their newer key may sign for the older.
 */
function listSigners(path: readonly Certificate[], { input, work, trusts }: Judging): (crl: RevocationList) => Certificate[] {
  const found = new Map<string, Certificate[]>();
  const anchor = path.at(-1)!;
  return (crl) => {
    let signers = found.get(crl.id);
    if (signers === undefined) {
      const named = (one: Certificate): boolean => one.subject.canonical === crl.issuer.canonical;
      signers = path.slice(1).filter(named);
      found.set(crl.id, signers);
      const resolving = new Set([...(input.resolving ?? []), crl.id]);
      if (!signers.some((one) => work.signed(crl, one)) && input.resolving === undefined) {
        const others = [...input.untrusted, ...input.roots].filter((one) => named(one) && one.keyUsages?.includes('crl-sign') !== false && !path.some(({ id }) => id === one.id) && work.signed(crl, one));
        signers.push(...others.slice(0, MAX_LIST_SIGNERS).filter((certificate) => trusts({ ...input, certificate, roots: [anchor], purpose: 'any', names: [], extendedKeyUsages: [], revocation: 'off', strict: false, resolving, crls: input.crls.filter(({ id }) => id !== crl.id) })));
      }
    }
    return signers;
  };
}

const knownAnswer = ({ at, reason }: KnownRevocation): RevocationAnswer => ({ state: 'revoked', at, reason, source: undefined, notes: [`Revoked on ${at.toISOString()} (${reason}), as is known here.`], nextUpdate: undefined });
