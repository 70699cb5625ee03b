import { useState } from 'react';
import type { Mending } from '../../app/contract/index.ts';
import { asProblem, useAction, type ChosenFile, type OutputFor } from '../bridge/index.ts';
import { faultPlace, saidFinding, useText, type Text } from '../i18n/index.ts';
import { actionsWith } from '../mending/MendActions.tsx';
import { MendDialog } from '../mending/MendDialog.tsx';
import { Button, CopyAsCommand, ErrorNotice, Fact, Facts, Findings, Form, hasTitle, Notice, Sentence, thingTitle } from '../ui/index.ts';
import { ChosenFiles, PART } from './chosen-files.tsx';
import { ConvertDialog } from './ConvertDialog.tsx';

type Answer = OutputFor<'files.inspect'>;
type Item = Answer['items'][number];
const LEVELS = { odd: 'note', weak: 'warning', broken: 'problem' } as const;

/** What a file holds, told by its content. Bytes of private keys are never shown here. */
export function InspectPart({ file, onFile, onTurn }: { file: ChosenFile | undefined; onFile: (file: ChosenFile | undefined) => void; /** What another part of the view does. */ onTurn: (action: Mending) => void }) {
  const t = useText();
  const inspect = useAction('files.inspect');
  const [unreadable, setUnreadable] = useState<unknown>();
  const [converting, setConverting] = useState(false);
  const [mending, setMending] = useState<Mending>();
  // What was made of the file is another file: what is told here stays with this one.
  const mend = (action: Mending): void => (action.operation === 'files.sign' || action.operation === 'files.decrypt' ? onTurn(action) : setMending(action));
  const look = async (open: boolean): Promise<void> => {
    if (file === undefined) return;
    setUnreadable(undefined);
    try {
      const from = await file.toInput();
      // Commands name the file by its path, where the core knows that.
      await inspect.run({ from, bytes: true, ...('upload' in from && { name: file.name }), ...(open && { open }) });
    } catch (thrown) {
      setUnreadable(asProblem(thrown));
    }
  };
  const answer = inspect.result;
  return (
    <>
      <Form onSubmit={() => !inspect.pending && void look(false)} className={PART}>
        <ChosenFiles label={t('files.toInspect')} files={file === undefined ? [] : [file]} onChoose={([one]) => one !== undefined && onFile(one)} onClear={() => onFile(undefined)} />
        <div className="flex flex-wrap items-center gap-2">
          <Button kind="primary" type="submit" isDisabled={file === undefined} pending={inspect.pending}>{t('files.inspectAction')}</Button>
          {inspect.pending && <Button onPress={inspect.cancel}>{t('common.cancel')}</Button>}
          {answer?.items.some(({ locked }) => locked) === true && <Button onPress={() => void look(true)}>{t('files.openLocked')}</Button>}
          {file !== undefined && answer?.items.some(({ actions }) => actions.includes('files.convert')) === true && <Button onPress={() => setConverting(true)}>{t('files.convert.open')}</Button>}
          <CopyAsCommand operation="files.inspect" input={{ content: file?.name ?? 'FILE' }} />
        </div>
      </Form>
      {answer !== undefined && <Inspected answer={answer} onMend={mend} />}
      <ErrorNotice error={unreadable ?? inspect.error} />
      {converting && file !== undefined && <ConvertDialog file={file} onClose={() => setConverting(false)} />}
      {mending !== undefined && <MendDialog action={mending} file={file} onClose={() => setMending(undefined)} />}
    </>
  );
}

function Inspected({ answer: { detail, sha256, items, problems, asn1, hex, hidden }, onMend }: { answer: Answer; onMend: (action: Mending) => void }) {
  const t = useText();
  return (
    <section aria-label={t('files.inspected')} className="flex flex-col gap-3" aria-live="polite">
      <p className="text-14 font-medium"><Sentence text={detail} /></p>
      {problems.map(({ code, detail: problem, where }) => <Notice key={`${code}-${problem}`} tone="warning"><Sentence text={problem} />{where !== null && ` (${faultPlace(where, t)})`}</Notice>)}
      <Items items={items} parent={null} loud={withFindings(items)} onMend={onMend} />
      <Facts><Fact name="SHA-256"><code className="font-mono text-12 break-all">{sha256}</code></Fact></Facts>
      {hidden !== null && <p className="text-12 text-muted"><Sentence text={hidden} /></p>}
      <Lines title={t('files.asn1')} lines={asn1} />
      <Lines title={t('files.hex')} lines={hex} />
    </section>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return <details className="text-13"><summary>{title}</summary><pre tabIndex={0} aria-label={title} className="max-h-80 overflow-auto rounded-control border border-border bg-canvas p-2 font-mono text-12">{lines.join('\n')}</pre></details>;
}

/** @returns the positions of items that have a finding, or hold one that has. */
function withFindings(items: readonly Item[]): ReadonlySet<number> {
  const loud = new Set<number>();
  items.forEach(({ findings }, index) => {
    if (findings.length === 0) return;
    for (let at: number | null = index; at !== null && !loud.has(at); at = items[at]?.parent ?? null) loud.add(at);
  });
  return loud;
}

/** @returns what an extension says, a line after another. */
function linesOf({ title, detail }: Pick<Item, 'title' | 'detail'>, t: Text): string {
  return detail.split('; ').map((line) => t.fact.value(title, line)).join('; ');
}

/** The things in a file as a tree to open. */
function Items({ items, parent, loud, onMend }: { items: readonly Item[]; parent: number | null; /** Those with a finding in them: open from the start. */ loud: ReadonlySet<number>; onMend: (action: Mending) => void }) {
  const t = useText();
  const here = items.flatMap((item, index) => (item.parent === parent ? [{ item, index }] : []));
  if (here.length === 0) return null;
  return (
    <ul className="flex flex-col gap-2">
      {here.map(({ item, index }) => (
        <li key={index} className="rounded-control border border-border bg-canvas px-3 py-2 text-13">
          <details open={loud.has(index) || (parent === null && here.length < 4)}>
            <summary className="font-medium">{hasTitle(item) ? thingTitle(item, t) : <Sentence text={item.detail} />}</summary>
            <div className="flex flex-col gap-2 pt-2">
              {hasTitle(item) && <p>{item.kind === 'extension' ? linesOf(item, t) : <Sentence text={item.detail} />}</p>}
              {item.findings.length > 0 && <Findings findings={item.findings.map((finding) => ({ ...saidFinding(finding, t), level: LEVELS[finding.level] }))} actionsOf={actionsWith(onMend)} />}
              {item.held.length > 0 && <p>{t('files.heldHere', { n: item.held.length })}</p>}
              <Facts>{item.facts.map(({ name, value }) => <Fact key={`${name} ${value}`} name={t.fact.name(name)}><span className="break-all">{t.fact.value(name, value)}</span></Fact>)}</Facts>
              <Items items={items} parent={index} loud={loud} onMend={onMend} />
            </div>
          </details>
        </li>
      ))}
    </ul>
  );
}
