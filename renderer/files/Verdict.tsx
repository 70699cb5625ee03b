import type { OutputFor } from '../bridge/index.ts';
import { PathTree } from '../certificates/Verdict.tsx';
import { listOf, useText } from '../i18n/index.ts';
import { ExactTime, Fact, Facts, Notice, Sentence, StateBadge } from '../ui/index.ts';

type Answer = OutputFor<'files.verify'>;
type Signature = Answer['signatures'][number];

/** Whether a file is as it was signed, by whom, who says so, and when. */
export function Verdict({ file: { intact, trusted, signatures, state, verdict }, live = true }: { file: Answer['files'][number]; live?: boolean }) {
  const t = useText();
  const broken = state === 'unsigned' || state === 'failed' ? state : 'notIntact';
  const untrusted = signatures.some(({ trustedBy, coverage }) => trustedBy === null && coverage?.changes.includes('annotation') === true) ? 'annotated' : 'untrusted';
  // A PDF may have grown since its last signature, as that allows.
  const isWhole = signatures.some(({ coverage }) => coverage === null || coverage.revision === coverage.revisions);
  return (
    <Notice tone={trusted ? 'success' : intact ? 'warning' : 'danger'} live={live} title={trusted ? t('files.intact') : intact ? t(`files.${untrusted}`) : t(`files.${broken}`)}>
      <div className="flex flex-col gap-3">
        {state === 'failed' ? <p><Sentence text={verdict} /></p> : <p>{trusted ? t(isWhole ? 'files.intactHelp' : 'files.intactPartHelp') : intact ? t(`files.${untrusted}Help`) : t(`files.${state === 'unsigned' ? 'unsigned' : 'notIntact'}Help`)}</p>}
        {signatures.map((one, index) => <OneSignature key={index} signature={one} />)}
      </div>
    </Notice>
  );
}

/** The certificates that lead to a root, each with its checks, as under Certificates. */
function Tree({ title, path }: { title: string; path: NonNullable<Signature['path']> }) {
  return (
    <div className="flex flex-col gap-1.5">
      <p className="text-13 font-medium">{title}</p>
      <PathTree path={path} />
    </div>
  );
}

function OneSignature({ signature }: { signature: Signature }) {
  const t = useText();
  const { format, signer, trustedBy, time, algorithm, problem, notes, coverage, path } = signature;
  return (
    <>
      <Facts>
        <Fact name={t('files.format')}>{t(`files.formatName.${format}`)}</Fact>
        <Fact name={t('files.isIntact')}><StateBadge tone={signature.intact ? 'success' : 'danger'}>{t(signature.intact ? 'files.intactYes' : 'files.intactNo')}</StateBadge></Fact>
        {signer !== null && <Fact name={t('files.signedBy')}>{signer.name ?? signer.label ?? t(trustedBy?.source === 'named-key' ? 'files.namedKey' : 'files.unknownSigner')}</Fact>}
        <Fact name={t('files.trustedBy')}>{trustedBy === null ? t('files.trustedByNobody') : t(`files.trust.${trustedBy.source}`, { name: trustedBy.name })}</Fact>
        {time !== null && <Fact name={t('files.signedAt')}>{t.rich(time.according === 'timestamp' ? 'files.atByAuthority' : 'files.atBySigner', { at: <ExactTime at={time.at} />, by: time.by ?? '' })}</Fact>}
        {signer !== null && <Fact name={t('files.fingerprint')}><code className="font-mono text-12 break-all">{signer.fingerprint}</code></Fact>}
        {algorithm !== null && <Fact name={t('keys.algorithm')}>{algorithm}</Fact>}
        {problem !== null && <Fact name={t('files.problem')}><Sentence text={problem} /></Fact>}
        {coverage !== null && <Fact name={t('files.covers')}>{coverage.revision === coverage.revisions && coverage.changes.length === 0 ? t('files.coversAll') : t('files.coversVersion', { n: coverage.revision, of: coverage.revisions })}</Fact>}
        {coverage !== null && coverage.changes.length > 0 && <Fact name={t('files.afterwards')}>{listOf(coverage.changes.map((change) => t(`files.change.${change}`)), t)}</Fact>}
        {notes.map((note) => <Fact key={note} name={t('files.note')}><Sentence text={note} /></Fact>)}
      </Facts>
      {path !== null && <Tree title={t('files.signerPath')} path={path} />}
      {time !== null && time.path !== null && <Tree title={t('files.timePath')} path={time.path} />}
    </>
  );
}
