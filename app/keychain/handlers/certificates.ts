import { askToConfirm, KeywrightError, type CertificateRecord } from '../../contract/index.ts';
import { type Certificate, inWords, readCertificates, textOf } from '../../certificates/index.ts';
import { writeAside } from '../../signing/write-aside.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Context } from '../context.ts';
import { bytesOf, outputOf } from '../files/places.ts';
import { chainOf, issuedBelow, MAX_CHAIN } from './certificate-chain.ts';
import { certificateCheckHandlers } from './certificate-checks.ts';
import { certificateListHandler } from './certificate-list.ts';
import { certificateMakingHandlers } from './certificate-making.ts';
import { certificateRevocationHandlers } from './certificate-revocation.ts';
import { found } from './certificate-reference.ts';
import { certificateRecord, keepCertificate, writeCertificate, writtenRecord } from './certificate-records.ts';
import { fileNameOf } from './file-names.ts';
import { handlersOf } from './handlers.ts';

const DAY = 86_400_000;
const MAX_FILE = 16 * 1024 * 1024;

export const certificateHandlers = handlersOf('certificates', {
  ...certificateListHandler,
  ...certificateMakingHandlers,
  ...certificateCheckHandlers,
  ...certificateRevocationHandlers,

  async 'certificates.show'(input, context) {
    const { session } = context;
    const stored = await found(input.certificate, context);
    const words = inWords(await session.certificates.read(stored.id));
    return { ...(await certificateRecord(stored, session)), ...words, text: textOf(words) };
  },

  async 'certificates.update'(input, context) {
    const before = await found(input.certificate, context);
    if (input.ifRevision !== undefined && input.ifRevision !== String(before.change)) {
      throw new KeywrightError('CONFLICT', { detail: `“${before.label}” was changed meanwhile.`, remedy: 'Look at it again, then repeat the change.' });
    }
    if (input.trusted !== undefined && input.trusted !== before.trusted) context.note(input.trusted ? 'trusted from now on' : 'no longer trusted');
    const next = { ...before, label: input.label ?? before.label, tags: input.tags ?? before.tags, trusted: input.trusted ?? before.trusted };
    return certificateRecord(await writeCertificate(context, next), context.session);
  },

  async 'certificates.import'(input, context) {
    const read = unique(readCertificates(await bytesOf(input.content, input.from, 'content', MAX_FILE, context)));
    const kept: StoredCertificate[] = [];
    const alreadyHeld: string[] = [];
    for (const [index, certificate] of read.entries()) {
      const label = input.label === undefined ? {} : { label: read.length > 1 ? `${input.label} ${index + 1}` : input.label };
      const { stored, held } = await keepCertificate(context, certificate, { origin: 'imported', trusted: input.trusted, tags: input.tags, ...label });
      kept.push(stored);
      if (held) alreadyHeld.push(certificate.id);
    }
    return { certificates: await importedRecords(kept, read, context), alreadyHeld };
  },

  async 'certificates.export'(input, context) {
    const { session } = context;
    const stored = await found(input.certificate, context);
    const chain = input.withChain ? (await chainOf(stored, session)).chain : [stored];
    if (input.format === 'der' && chain.length > 1) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'DER holds one certificate; this chain has several.', remedy: 'Use PEM, or leave the chain out.', alternatives: ['pem'] });
    const certificates = await Promise.all(chain.map(({ id }) => session.certificates.read(id)));
    const content = input.format === 'der' ? certificates[0]!.der : Buffer.from(certificates.map((one) => one.toPem()).join(''));
    const name = fileNameOf(stored.label, input.format === 'der' ? 'cer' : 'pem');
    const answer = { format: input.format, fileName: name, certificates: certificates.length };
    context.subject(`certificate:${stored.id}`);
    if (input.to === undefined) return { ...answer, content };
    const place = await outputOf(input.to, name, context);
    await writeAside(place.path, { overwrite: place.overwrite, signal: context.call.signal }, (write) => write(content));
    return { ...answer, written: place.written };
  },

  async 'certificates.delete'(input, context) {
    const stored = await found(input.certificate, context);
    if (stored.trashedUntil !== null) return certificateRecord(stored, context.session);
    const [place] = stored.tokens;
    if (!stored.kept && place !== undefined) {
      throw new KeywrightError('CAPABILITY_MISSING', { detail: `“${stored.label}” is in ${place.title}, and not in this store: a token has no trash.`, remedy: `To delete it there: \`keywright tokens delete-certificate ${place.token} ${place.slot}\`.` });
    }
    const days = Number(context.services.config.get('trash.days'));
    return certificateRecord(await writeCertificate(context, { ...stored, trashedUntil: new Date(Date.now() + days * DAY).toISOString() }), context.session);
  },

  async 'certificates.restore'(input, context) {
    const stored = await found(input.certificate, context);
    return certificateRecord(stored.trashedUntil === null ? stored : await writeCertificate(context, { ...stored, trashedUntil: null }), context.session);
  },

  async 'certificates.purge'(input, context) {
    const stored = await found(input.certificate, context);
    if (stored.trashedUntil === null) throw new KeywrightError('CONFLICT', { detail: `“${stored.label}” is not in the trash.`, remedy: 'Delete it first: it can be restored from the trash, but not after this.' });
    await askToConfirm({ purpose: 'confirm', title: `Remove “${stored.label}” for good`, subject: stored.subject, action: 'Remove the certificate', destructive: true, note: 'Its key stays. A copy of the certificate elsewhere can be imported again.' }, context.call);
    if (stored.tokens.length > 0) await writeCertificate(context, { ...stored, kept: false, trashedUntil: null });
    else await forget(stored.id, context);
    return {};
  },

  async 'certificates.chain'(input, context) {
    const { session } = context;
    const stored = await found(input.certificate, context);
    const { chain, complete } = await chainOf(stored, session);
    const last = chain.at(-1)!;
    const records: CertificateRecord[] = [];
    for (const one of chain) records.push(await certificateRecord(one, session));
    return {
      chain: records, complete, issued: await issuedBelow(stored, session),
      note: complete ? (last.trusted ? `It ends at “${last.label}”, which is trusted here.` : `It ends at “${last.label}”, which is not trusted here.`) : chain.length === MAX_CHAIN ? 'It does not end.' : `Nobody here has issued “${last.label}”; its issuer is ${last.issuer || 'not named'}.`,
    };
  },

  async 'certificates.compare'(input, context) {
    const { session } = context;
    const [left, right] = [await found(input.certificate, context), session.certificates.resolve(input.other, '/other')];
    const [one, other] = [inWords(await session.certificates.read(left.id)), inWords(await session.certificates.read(right.id))];
    const values = ({ fields, extensions }: typeof one): Map<string, string> => {
      const map = new Map<string, string>();
      for (const { name, value } of fields) map.set(name, map.has(name) ? `${map.get(name)}, ${value}` : value);
      for (const { name, critical, lines } of extensions) map.set(name, `${critical ? 'critical: ' : ''}${lines.join('; ')}`);
      return map;
    };
    const [ofLeft, ofRight] = [values(one), values(other)];
    const names = [...new Set([...ofLeft.keys(), ...ofRight.keys()])];
    return {
      sameKey: left.publicKey === right.publicKey,
      rows: names.map((name) => ({ name, equal: ofLeft.get(name) === ofRight.get(name), left: ofLeft.get(name) ?? null, right: ofRight.get(name) ?? null })),
    };
  },
});

async function forget(id: string, context: Context): Promise<void> {
  const { certificates } = context.session;
  await certificates.remove(id, context.keyCall.unit);
  context.subject(`certificate:${id}`);
  context.committed(() => {
    certificates.applied(id, undefined);
    context.services.events.emit({ type: 'certificates.changed' });
  });
}

function unique(certificates: readonly Certificate[]): Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.id, certificate])).values()];
}

/** What was imported together is joined together: none of it is in the inventory before the call commits. */
async function importedRecords(kept: readonly StoredCertificate[], read: readonly Certificate[], context: Context): Promise<CertificateRecord[]> {
  const subjects = new Map<string, Certificate[]>();
  for (const certificate of read) subjects.set(certificate.subject.canonical, [...(subjects.get(certificate.subject.canonical) ?? []), certificate]);
  const held = async (stored: StoredCertificate, certificate: Certificate): Promise<string | null> => {
    for (const candidate of context.session.certificates.withSubject(stored.issuerId)) if (certificate.isSignedBy(await context.session.certificates.read(candidate.id))) return candidate.id;
    return null;
  };
  return Promise.all(kept.map(async (stored, index) => {
    const certificate = read[index]!;
    const among = subjects.get(certificate.issuer.canonical)?.find((candidate) => certificate.isSignedBy(candidate));
    return writtenRecord(stored, context, among?.id ?? (await held(stored, certificate)));
  }));
}
