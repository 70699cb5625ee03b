import { askToConfirm, because, KeywrightError, type CertificateRecord } from '../../contract/index.ts';
import { inWords, textOf } from '../../certificates/index.ts';
import type { Context } from '../context.ts';
import type { StoredCertificate } from '../certificate-inventory.ts';
import type { Session } from '../session.ts';
import { forgetStored } from '../revocation-store.ts';
import { chainOf, issuedBelow, MAX_CHAIN } from './certificate-chain.ts';
import { certificateCheckHandlers } from './certificate-checks.ts';
import { certificateFileHandlers } from './certificate-files.ts';
import { certificateListHandler } from './certificate-list.ts';
import { certificateMakingHandlers } from './certificate-making.ts';
import { certificateOcspHandlers } from './certificate-ocsp.ts';
import { certificateRevocationHandlers } from './certificate-revocation.ts';
import { found } from './certificate-reference.ts';
import { certificateRecord, livingKeys, writeCertificate } from './certificate-records.ts';
import { handlersOf } from './handlers.ts';
import { showSsh } from './ssh-certificates.ts';

const DAY = 86_400_000;

export const certificateHandlers = handlersOf('certificates', {
  ...certificateListHandler,
  ...certificateFileHandlers,
  ...certificateMakingHandlers,
  ...certificateCheckHandlers,
  ...certificateOcspHandlers,
  ...certificateRevocationHandlers,

  async 'certificates.show'(input, context) {
    const { session } = context;
    const stored = await found(input.certificate, context);
    if (stored.type === 'openssh') return showSsh(stored, context);
    const words = inWords(await session.certificates.read(stored.id));
    return { ...(await certificateRecord(stored, session)), ...words, text: textOf(words) };
  },

  async 'certificates.update'(input, context) {
    const before = await found(input.certificate, context);
    if (input.ifRevision !== undefined && input.ifRevision !== String(before.change)) {
      throw new KeywrightError('CONFLICT', because('key.changed-meanwhile', { key: before.label }));
    }
    if (input.trusted === true && before.type === 'openssh') throw new KeywrightError('CAPABILITY_MISSING', { detail: 'Nothing ends at an OpenSSH certificate: trust is in the authority’s key, on each server.' });
    if (input.trusted !== undefined && input.trusted !== before.trusted) context.note(input.trusted ? 'trusted from now on' : 'no longer trusted');
    const next = { ...before, label: input.label ?? before.label, tags: input.tags ?? before.tags, trusted: input.trusted ?? before.trusted };
    return certificateRecord(await writeCertificate(context, next), context.session);
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
    if (stored.trashedUntil === null) throw new KeywrightError('CONFLICT', because('key.not-in-trash', { key: stored.label }));
    await askToConfirm({ purpose: 'confirm', title: `Remove “${stored.label}” for good`, subject: stored.subject, action: 'Remove the certificate', destructive: true, note: 'Its key stays. A copy of the certificate elsewhere can be imported again.' }, context.call);
    if (stored.tokens.length > 0) await writeCertificate(context, { ...stored, kept: false, trashedUntil: null });
    else await forget(stored, context);
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
      note: stored.type === 'openssh' ? sshNote(stored, session) : complete ? (last.trusted ? `It ends at “${last.label}”, which is trusted here.` : `It ends at “${last.label}”, which is not trusted here.`) : chain.length === MAX_CHAIN ? 'It does not end.' : `Nobody here has issued “${last.label}”; its issuer is ${last.issuer || 'not named'}.`,
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

/** OpenSSH has no chains. */
function sshNote({ issuer, issuerId }: StoredCertificate, session: Session): string {
  const [authority] = livingKeys(issuerId, session);
  return authority === undefined ? `Its authority is the key ${issuer}, which is not held here.` : `Its authority is the key “${authority.label}”, which is held here.`;
}

async function forget(stored: StoredCertificate, context: Context): Promise<void> {
  const { certificates } = context.session;
  const { id } = stored;
  await forgetStored(stored, context.session, context.keyCall.unit);
  context.subject(`certificate:${id}`);
  context.committed(() => {
    certificates.applied(id, undefined);
    context.services.events.emit({ type: 'certificates.changed' });
  });
}

