import { BadgeCheck, Ban, Download, Ellipsis, RotateCw, ShieldCheck, Trash2 } from 'lucide-react';
import { useState } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useAction, useBridge, useOperation, type OutputFor } from '../bridge/index.ts';
import { keptUntil, useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { commonNameIn } from './common-name.ts';
import { DetailPane, Section } from '../shell/index.ts';
import { Badge, Button, CopyAsCommand, CopyButton, ErrorNotice, ExactTime, Fact, Facts, IconButton, Menu, Notice, Sentence, Skeleton, StateBadge, useToast } from '../ui/index.ts';
import { CompareDialog } from './CompareDialog.tsx';
import { CrlDialog } from './CrlDialog.tsx';
import { ExportDialog } from './ExportDialog.tsx';
import { KeyPlace } from './key-place.tsx';
import { RevokeDialog } from './RevokeDialog.tsx';
import { Verdict } from './Verdict.tsx';

/** Algorithms that keys here can have; others are called as the reader of certificates calls them. */
const KNOWN_KEYS = /^(?:ec-[a-z]|rsa-\d|ed\d|x\d|ml-|slh-)/;

/** Everything about one certificate, and what can be done with it. */
export function CertificateDetail({ id, onGone, onOpen }: { id: string; onGone: () => void; onOpen: (id: string) => void }) {
  const t = useText();
  const certificate = useOperation('certificates.show', { certificate: id });
  if (certificate.error) return <div className="p-4"><ErrorNotice error={certificate.error} /></div>;
  if (certificate.data === undefined) return <Skeleton />;
  const record = certificate.data;
  return (
    <DetailPane title={record.label} subtitle={record.type === 'openssh' ? t('certificates.anSshCertificate') : record.authority ? t('certificates.anAuthority') : t('certificates.aCertificate')} actions={<Actions record={record} onGone={onGone} onOpen={onOpen} />}>
      <About record={record} />
      {record.type === 'x509' && <Chain id={record.id} onOpen={onOpen} />}
      <Contents record={record} />
    </DetailPane>
  );
}

function Actions({ record, onGone, onOpen }: { record: CertificateRecord; onGone: () => void; onOpen: (id: string) => void }) {
  const t = useText();
  const toast = useToast();
  const [dialog, setDialog] = useState<'export' | 'revoke' | 'compare' | 'crl' | 'issuer-crl'>();
  const update = useAction('certificates.update');
  const remove = useAction('certificates.delete');
  const restore = useAction('certificates.restore');
  const purge = useAction('certificates.purge');
  const renew = useAction('certificates.renew');
  const verify = useAction('certificates.verify');
  const unrevoke = useAction('certificates.revoke');
  const trash = async (): Promise<void> => {
    const moved = await remove.run({ certificate: record.id });
    if (moved === undefined) return;
    toast({ text: t('certificates.trashed', { n: 1, name: record.label, until: keptUntil(moved, t) }), action: { label: t('common.undo'), onAction: () => void restore.run({ certificate: record.id }) } });
    onGone();
  };
  const renewNow = async (newKey: boolean): Promise<void> => {
    const after = await renew.run({ certificate: record.id, ...(newKey && { newKey }) });
    if (after === undefined) return;
    toast({ text: t('certificates.renewed', { name: after.label }) });
    onOpen(after.id);
  };
  const destroy = async (): Promise<void> => {
    if ((await purge.run({ certificate: record.id })) !== undefined) onGone();
  };
  if (record.trashedUntil !== null) {
    return (
      <>
        <Notice tone="warning">{t.rich('certificates.inTrash', { until: <ExactTime at={record.trashedUntil} /> })}</Notice>
        <Button kind="primary" pending={restore.pending} onPress={() => void restore.run({ certificate: record.id })}>{t('certificates.restore')}</Button>
        <Button kind="destructive" className="ml-auto" pending={purge.pending} onPress={() => void destroy()}>{t('certificates.purge')}</Button>
        <ErrorNotice error={restore.error ?? purge.error} />
      </>
    );
  }
  if (record.type === 'openssh') return <SshActions record={record} onTrash={() => void trash()} onRenew={() => void renewNow(false)} renewing={renew.pending} error={remove.error ?? renew.error} />;
  const canSign = record.keys.length > 0;
  const onHold = record.revocation?.reason === 'certificate-hold';
  return (
    <>
      <Button kind="primary" icon={Download} onPress={() => setDialog('export')}>{t('certificates.export.open')}</Button>
      <Button icon={ShieldCheck} pending={verify.pending} onPress={() => void verify.run({ certificate: record.id })}>{t('certificates.verify')}</Button>
      <Menu
        label={t('common.more')}
        entries={[
          { id: 'trust', label: record.trusted ? t('certificates.distrust') : t('certificates.trust'), icon: BadgeCheck, onAction: () => void update.run({ certificate: record.id, trusted: !record.trusted }) },
          { id: 'compare', label: t('certificates.compare.open'), onAction: () => setDialog('compare') },
          null,
          { id: 'renew', label: t('certificates.renew'), icon: RotateCw, disabled: canSign ? undefined : t('certificates.renewNoKey'), onAction: () => void renewNow(false) },
          { id: 'renew-key', label: t('certificates.renewWithNewKey'), disabled: canSign ? undefined : t('certificates.renewNoKey'), onAction: () => void renewNow(true) },
          ...(record.authority ? [{ id: 'crl', label: t('certificates.makeCrl'), disabled: canSign ? undefined : t('certificates.renewNoKey'), onAction: () => setDialog('crl') }] : []),
          ...(record.revocation?.state === 'revoked' ? [{ id: 'issuer-crl', label: t('certificates.makeIssuerCrl'), disabled: record.issuedBy === null ? t('certificates.renewNoKey') : undefined, onAction: () => setDialog('issuer-crl') }] : []),
          ...(onHold ? [{ id: 'unrevoke', label: t('certificates.revoke.takeBack'), onAction: () => void unrevoke.run({ certificate: record.id, reason: 'remove-from-crl' }) }] : []),
          ...(record.issuedBy !== null && !record.selfSigned && (onHold || record.revocation?.state !== 'revoked') ? [{ id: 'revoke', label: t('certificates.revoke.open'), icon: Ban, destructive: true, onAction: () => setDialog('revoke') }] : []),
          null,
          { id: 'trash', label: t('certificates.trash'), icon: Trash2, destructive: true, shortcut: 'Delete', onAction: () => void trash() },
        ]}
      >
        <IconButton icon={Ellipsis} label={t('common.more')} className="size-8" />
      </Menu>
      {verify.result !== undefined && <Verdict verdict={verify.result} />}
      <ErrorNotice error={update.error ?? remove.error ?? renew.error ?? verify.error ?? unrevoke.error} />
      {dialog === 'export' && <ExportDialog certificate={record} onClose={() => setDialog(undefined)} />}
      {dialog === 'revoke' && <RevokeDialog certificate={record} onClose={() => setDialog(undefined)} onList={() => setDialog('issuer-crl')} />}
      {dialog === 'crl' && <CrlDialog authority={record} onClose={() => setDialog(undefined)} />}
      {dialog === 'issuer-crl' && record.issuedBy !== null && <CrlDialog authority={{ id: record.issuedBy, label: commonNameIn(record.issuer) }} onClose={() => setDialog(undefined)} />}
      {dialog === 'compare' && <CompareDialog certificate={record} onClose={() => setDialog(undefined)} />}
    </>
  );
}

/** OpenSSH has neither chains nor lists of revoked certificates: what is left is a file, a later end, and the trash. */
function SshActions({ record, onTrash, onRenew, renewing, error }: { record: CertificateRecord; onTrash: () => void; onRenew: () => void; renewing: boolean; error: unknown }) {
  const t = useText();
  const bridge = useBridge();
  const toast = useToast();
  const exports = useAction('certificates.export');
  const save = async (): Promise<void> => {
    const name = `${record.label.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-')}-cert.pub`;
    const target = await bridge.saveTarget(name);
    if (target === undefined) return;
    const answer = await exports.run({ certificate: record.id, to: target.out });
    if (answer?.written === undefined) return;
    toast({ text: t('certificates.export.done', { name: record.label, where: (await target.finish(answer.written)) ?? name }) });
  };
  return (
    <>
      <Button kind="primary" icon={Download} pending={exports.pending} onPress={() => void save()}>{t('certificates.export.open')}</Button>
      <Button icon={RotateCw} pending={renewing} onPress={onRenew}>{t('certificates.renew')}</Button>
      <Menu label={t('common.more')} entries={[{ id: 'trash', label: t('certificates.trash'), icon: Trash2, destructive: true, shortcut: 'Delete', onAction: onTrash }]}>
        <IconButton icon={Ellipsis} label={t('common.more')} className="size-8" />
      </Menu>
      <ErrorNotice error={error ?? exports.error} />
    </>
  );
}

function About({ record }: { record: OutputFor<'certificates.show'> }) {
  const t = useText();
  const { subject, issuer, serial, notBefore, notAfter, names, purposes, tags, places, fingerprint, sha1, problems, revocation, validity, keyAlgorithm, signatureAlgorithm } = record;
  return (
    <>
      {problems.length > 0 && <Notice tone="warning" title={t('certificates.problems')}><ul className="list-disc pl-4">{problems.map((problem) => <li key={problem}><Sentence text={problem} /></li>)}</ul></Notice>}
      <Facts>
        <Fact name={t('certificates.state')}>
          <span className="flex flex-wrap gap-1.5">
            <StateBadge tone={validity === 'valid' ? 'success' : validity === 'expired' ? 'danger' : 'warning'}>{t(`certificates.validity.${validity}`)}</StateBadge>
            {(record.trusted || record.authority) && <StateBadge tone={record.trusted ? 'success' : 'neutral'}>{record.trusted ? t('certificates.trusted') : t('certificates.notTrusted')}</StateBadge>}
            {revocation !== null && <StateBadge tone={revocation.state === 'revoked' ? 'danger' : revocation.state === 'good' ? 'success' : 'warning'}>{t(`certificates.revocationState.${revocation.state}`)}</StateBadge>}
          </span>
        </Fact>
        <Fact name={t('certificates.subject')}>{subject === '' ? t('certificates.noSubject') : subject}</Fact>
        <Fact name={t('certificates.issuer')}>{record.selfSigned ? t('certificates.itself') : issuer}</Fact>
        <Fact name={t('certificates.keyPlace')}><span className="flex flex-wrap items-center gap-x-2 gap-y-1">{record.keys.length > 0 && <span>{record.keys.map(({ label }) => label).join(', ')}</span>}<KeyPlace certificate={record} /></span></Fact>
        <Fact name={t('certificates.validFrom')}><ExactTime at={notBefore} /></Fact>
        <Fact name={t('certificates.validUntil')}><span className="flex flex-wrap items-center gap-x-2"><ExactTime at={notAfter} /><span className="text-muted"><Expiry at={notAfter} /></span></span></Fact>
        {names.length > 0 && <Fact name={t('certificates.names')}><span className="flex flex-wrap gap-1">{names.slice(0, 50).map((name) => <Badge key={name}>{name}</Badge>)}{names.length > 50 && t('certificates.moreNames', { n: names.length - 50 })}</span></Fact>}
        {purposes.length > 0 && <Fact name={t('certificates.purposes')}>{purposes.map((purpose) => t(`certificates.purpose.${purpose}`)).join(', ')}</Fact>}
        <Fact name={t('keys.algorithm')}>{`${KNOWN_KEYS.test(keyAlgorithm) ? algorithmName(keyAlgorithm) : keyAlgorithm}, ${signatureAlgorithm}`}</Fact>
        {tags.length > 0 && <Fact name={t('keys.tags')}><span className="flex flex-wrap gap-1">{tags.map((tag) => <Badge key={tag}>{tag}</Badge>)}</span></Fact>}
        <Fact name={t('keys.place')}>{places.map(({ title, kind, slot }) => (kind === 'store' ? t('certificates.thisStore') : slot === null ? title : `${title}, ${slot}`)).join(', ')}</Fact>
        <Fact name={t('certificates.serial')}><code className="font-mono text-12 break-all">{serial}</code></Fact>
        <Fact name="SHA-256"><code className="font-mono text-12 break-all">{fingerprint.replace('SHA256:', '')}</code></Fact>
        {sha1 !== '' && <Fact name="SHA-1"><code className="font-mono text-12 break-all">{sha1}</code></Fact>}
      </Facts>
      <div className="flex flex-wrap gap-2">
        <CopyButton small label={t('certificates.copyPem')} text={record.pem} />
        <CopyButton small label={t('certificates.copyFingerprint')} text={record.fingerprint} />
        <CopyAsCommand small operation="certificates.show" input={{ certificate: record.id }} />
      </div>
    </>
  );
}

/** Who issued it, up to the root, as a tree; and what it has issued. */
function Chain({ id, onOpen }: { id: string; onOpen: (id: string) => void }) {
  const t = useText();
  const answer = useOperation('certificates.chain', { certificate: id });
  const fromRoot = answer.data?.chain.toReversed() ?? [];
  return (
    <Section title={t('certificates.chain')}>
      <ol className="flex flex-col">
        {fromRoot.map((each, depth) => (
          <li key={each.id} className="flex items-center gap-1.5 py-0.5 text-13" style={{ paddingInlineStart: `${depth * 1.25}rem` }}>
            {depth > 0 && <span aria-hidden className="text-muted">└</span>}
            {each.id === id ? <span className="font-medium">{each.label}</span> : <Button small kind="plain" onPress={() => onOpen(each.id)}>{each.label}</Button>}
            {each.trusted && <BadgeCheck aria-label={t('certificates.trusted')} className="size-4 shrink-0 text-success" strokeWidth={1.75} />}
          </li>
        ))}
        {answer.data?.issued.slice(0, 100).map((each) => (
          <li key={each.id} className="flex items-center gap-1.5 py-0.5 text-13" style={{ paddingInlineStart: `${fromRoot.length * 1.25}rem` }}>
            <span aria-hidden className="text-muted">└</span>
            <Button small kind="plain" onPress={() => onOpen(each.id)}>{each.label}</Button>
          </li>
        ))}
      </ol>
      {answer.data !== undefined && !answer.data.complete && <p className="text-12 text-muted"><Sentence text={answer.data.note} /></p>}
      <ErrorNotice error={answer.error} />
    </Section>
  );
}

function Contents({ record }: { record: OutputFor<'certificates.show'> }) {
  const t = useText();
  return (
    <>
      <Section title={t('certificates.fields')}>
        <Facts>{record.fields.map(({ name, value, raw }) => <Fact key={name} name={t.fact.name(name)}><span className="break-words" title={raw ?? undefined}>{t.fact.value(name, value)}</span></Fact>)}</Facts>
      </Section>
      <Section title={t('certificates.extensions')}>
        <ul className="flex flex-col gap-3">
          {record.extensions.map(({ oid, name, critical, lines, raw, problem }) => (
            <li key={oid} className="flex flex-col gap-0.5 text-13">
              <span className="flex items-center gap-1.5 font-medium">{t.fact.name(name)}{critical && <Badge>{t('certificates.critical')}</Badge>}</span>
              {lines.map((line, index) => <span key={index} className="break-words">{t.fact.value(name, line)}</span>)}
              {problem !== null && <StateBadge tone="warning"><Sentence text={problem} /></StateBadge>}
              <details className="text-12 text-muted"><summary>{oid}</summary><code className="font-mono break-all">{raw}</code></details>
            </li>
          ))}
        </ul>
      </Section>
    </>
  );
}
