import { useEffect, useState } from 'react';
import { asProblem, useBridge, type ChosenFile, type OutputFor } from '../bridge/index.ts';
import { saidFinding, useText } from '../i18n/index.ts';
import { ErrorNotice, Fact, Facts, Findings, hasTitle, Sentence, thingTitle } from '../ui/index.ts';

type Answer = OutputFor<'files.inspect'>;
const LEVELS = { odd: 'note', weak: 'warning', broken: 'problem' } as const;
/** Of a file with many. */
const MOST = 20;
/** Facts by which a person knows a certificate or a request. */
const TELLING: readonly string[] = ['Subject', 'Issuer', 'Key', 'Not after', 'Fingerprint SHA-256', 'Number', 'Made', 'Next'];

export interface Inspected {
  /** In the order of the files. */
  readonly answers: readonly Answer[];
  readonly error: unknown;
}

const NOTHING: Inspected = { answers: [], error: undefined };

/** Looks into files before anything is done with them. @param files the same list for as long as they are the same. */
export function useInspected(files: readonly ChosenFile[]): Inspected {
  const bridge = useBridge();
  const [inspected, setInspected] = useState(NOTHING);
  useEffect(() => {
    let wanted = true;
    const tell = (found: Inspected): void => {
      if (wanted) setInspected(found);
    };
    setInspected(NOTHING);
    void Promise.all(files.map(async (file) => bridge.call('files.inspect', { from: await file.toInput() }))).then((answers) => tell({ answers, error: undefined }), (thrown: unknown) => tell({ answers: [], error: asProblem(thrown) }));
    return () => {
      wanted = false;
    };
  }, [bridge, files]);
  return inspected;
}

/** What is in files: whose it is, by which fingerprint it is known, and what is odd about it. */
export function FileContents({ inspected: { answers, error } }: { inspected: Inspected }) {
  const t = useText();
  if (answers.length === 0 && error === undefined) return null;
  const items = answers.flatMap((answer) => answer.items.flatMap((item, index) => (item.kind === 'extension' ? [] : [{ item, below: answer.items.filter(({ kind, parent }) => kind === 'extension' && parent === index) }])));
  return (
    <section aria-label={t('certificates.inFile')} aria-live="polite" className="flex flex-col gap-2">
      {answers.flatMap(({ problems }) => problems).map(({ detail }) => <p key={detail} className="text-13 text-danger"><Sentence text={detail} /></p>)}
      {items.slice(0, MOST).map(({ item, below }, index) => (
        <div key={index} className="flex flex-col gap-1 rounded-control border border-border bg-canvas px-3 py-2 text-13">
          <p className="font-medium break-words">{hasTitle(item) ? thingTitle(item, t) : <Sentence text={item.detail} />}</p>
          {hasTitle(item) && <p className="text-muted"><Sentence text={item.detail} /></p>}
          <Facts>
            {item.facts.filter(({ name }) => TELLING.includes(name)).map(({ name, value }) => <Fact key={name} name={t.fact.name(name)}><span className="break-all">{t.fact.value(name, value)}</span></Fact>)}
            {item.kind === 'certificate-request' && below.map(({ title, detail }) => <Fact key={title} name={t.fact.name(title)}><span className="break-words">{detail.split('; ').map((line) => t.fact.value(title, line)).join('; ')}</span></Fact>)}
          </Facts>
          {item.findings.length > 0 && <Findings findings={item.findings.map((finding) => ({ ...saidFinding(finding, t), level: LEVELS[finding.level] }))} />}
        </div>
      ))}
      {items.length > MOST && <p className="text-13 text-muted">{t('certificates.moreInFile', { n: items.length - MOST })}</p>}
      <ErrorNotice error={error} />
    </section>
  );
}
