import type { ReactNode } from 'react';
import type { OutputFor } from '../bridge/index.ts';
import { useText, type MessageKey } from '../i18n/index.ts';
import { Notice, Prose, Sentence } from '../ui/index.ts';

type Finding = OutputFor<'tokens.list'>['findings'][number];

/** What a person should know or do, in the window's language where it is known; `actionOf` gives the remedy as a button. */
export function TokenFindings({ findings, actionOf }: { findings: readonly Finding[]; actionOf?: (finding: Finding) => ReactNode }) {
  const t = useText();
  // What is fine needs no words, unless there is something to press.
  const graver = findings.filter((finding) => finding.level !== 'ok' || Boolean(actionOf?.(finding)));
  if (graver.length === 0) return null;
  const say = (finding: Finding, part: 'detail' | 'remedy'): ReactNode => {
    const key = `finding.${finding.code}.${part}`;
    const said = finding[part];
    return t.has(key) ? <Prose text={t(key as MessageKey)} /> : said !== null && <Sentence text={said} />;
  };
  return (
    <ul className="flex flex-col gap-2 pb-2">
      {graver.map((finding) => (
        <li key={`${finding.code} ${finding.detail}`}>
          <Notice tone={({ ok: 'info', warning: 'warning', problem: 'danger' } as const)[finding.level]} title={say(finding, 'detail')} actions={actionOf?.(finding)}>
            {finding.remedy !== null && say(finding, 'remedy')}
          </Notice>
        </li>
      ))}
    </ul>
  );
}
