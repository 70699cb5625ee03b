import type { OutputFor } from '../bridge/index.ts';
import { useText } from '../i18n/index.ts';
import { Notice, Sentence, StateBadge } from '../ui/index.ts';

type Outcome = OutputFor<'certificates.verify'>;
const TONES = { ok: 'success', failed: 'danger', warning: 'warning', unknown: 'neutral' } as const;

/** Whether a certificate is trusted, and each check that says so or not, as a tree. */
export function Verdict({ verdict: { trusted, verdict, path } }: { verdict: Pick<Outcome, 'trusted' | 'verdict' | 'path'> }) {
  const t = useText();
  return (
    <Notice tone={trusted ? 'success' : 'danger'} live title={trusted ? t('certificates.verdictTrusted') : t('certificates.verdictNotTrusted')}>
      <p className="pb-2"><Sentence text={verdict} /></p>
      <PathTree path={path} />
    </Notice>
  );
}

/** The certificates of a path, each with what was checked of it; open where a check failed. */
export function PathTree({ path }: { path: Outcome['path'] }) {
  const t = useText();
  return (
    <ol className="flex flex-col gap-2">
        {path.certificates.map((certificate, depth) => {
        const bad = certificate.checks.some(({ outcome }) => outcome === 'failed');
        return (
          <li key={`${certificate.id}-${depth}`} style={{ paddingInlineStart: `${depth}rem` }}>
            <details open={bad}>
              <summary className="font-medium">{certificate.title} <span className="font-normal">({t(`certificates.role.${certificate.role}`)})</span></summary>
              <ul className="flex flex-col gap-1 pt-1 pl-4">
                {certificate.checks.map(({ check, outcome, sentence, rule }) => (
                  <li key={`${check}-${sentence}`} className="flex flex-wrap items-baseline gap-2"><StateBadge tone={TONES[outcome]}>{t(`certificates.outcome.${outcome}`)}</StateBadge><span className="min-w-0 grow basis-40"><Sentence text={sentence} />{rule !== null && ` (${rule})`}</span></li>
                ))}
              </ul>
            </details>
          </li>
        );
        })}
    </ol>
  );
}
