import { BadgeCheck, Download, Ellipsis, RotateCw, ShieldCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { CertificateRecord } from '../../app/contract/index.ts';
import { useOperation, type OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { algorithmName } from '../keys/algorithms.ts';
import { Expiry } from '../keys/Expiry.tsx';
import { DetailPane, Section } from '../shell/index.ts';
import { Badge, Button, CopyAsCommand, CopyButton, ErrorNotice, ExactTime, Fact, Facts, IconButton, Menu, Notice, Sentence, Skeleton, StateBadge } from '../ui/index.ts';
import { useCertificateActions } from './certificate-actions.tsx';
import { KeyPlace } from './key-place.tsx';
import { Verdict } from './Verdict.tsx';

/** Algorithms that keys here can have; others are called as the reader of certificates calls them. */
const KNOWN_KEYS = /^(?:ec-[a-z]|rsa-\d|ed\d|x\d|ml-|slh-)/;

/** Everything about one certificate, and what can be done with it. */
export function CertificateDetail({ id, onGone, onOpen }: { id: string; onGone: () => void; onOpen: (id: string) => void }) {
  const certificate = useOperation('certificates.show', { certificate: id });
  if (certificate.error) return <div className="p-4"><ErrorNotice error={certificate.error} /></div>;
  if (certificate.data === undefined) return <Skeleton />;
  return (
    <KnownCertificate record={certificate.data} onGone={onGone} onOpen={onOpen}>
      <About record={certificate.data} />
      {certificate.data.type === 'x509' && <Chain id={certificate.data.id} onOpen={onOpen} />}
      <Contents record={certificate.data} />
    </KnownCertificate>
  );
}

/** A certificate with what can be done with it, above the facts about it. OpenSSH has neither chains nor verdicts: what is left is a file and a later end. */
function KnownCertificate({ record, onGone, onOpen, children }: { record: CertificateRecord; onGone: () => void; onOpen: (id: string) => void; children: ReactNode }) {
  const t = useText();
  const does = useCertificateActions(onGone, onOpen);
  const isSsh = record.type === 'openssh';
  const actions = (
    <>
      {record.trashedUntil !== null ? (
        <>
          <Notice tone="warning">{t.rich('certificates.inTrash', { until: <ExactTime at={record.trashedUntil} /> })}</Notice>
          <Button kind="primary" pending={does.restoring} onPress={() => void does.restoreAll([record])}>{t('certificates.restore')}</Button>
          <Button kind="destructive" className="ml-auto" pending={does.destroying} onPress={() => void does.destroy(record)}>{t('certificates.purge')}</Button>
        </>
      ) : (
        <>
          <Button kind="primary" icon={Download} pending={does.exporting} onPress={() => void does.exportOne(record)}>{t('certificates.export.open')}</Button>
          {isSsh
            ? <Button icon={RotateCw} pending={does.renewing} onPress={() => void does.renewAll([record])}>{t('certificates.renew')}</Button>
            : <Button icon={ShieldCheck} pending={does.verify.pending} onPress={() => void does.verify.run({ certificate: record.id })}>{t('certificates.verify')}</Button>}
        </>
      )}
      {does.verify.result !== undefined && <Verdict verdict={does.verify.result} />}
      <ErrorNotice error={does.error} />
      {does.dialogs}
    </>
  );
  return (
    <DetailPane
      title={record.label} subtitle={isSsh ? t('certificates.anSshCertificate') : record.authority ? t('certificates.anAuthority') : t('certificates.aCertificate')}
      menu={<Menu label={t('common.more')} entries={does.menuOf([record])}><IconButton icon={Ellipsis} label={t('common.more')} /></Menu>} actions={actions}
    >
      {children}
    </DetailPane>
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
