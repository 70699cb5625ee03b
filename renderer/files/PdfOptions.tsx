import { useEffect, useState } from 'react';
import { asProblem, useBridge, type ChosenFile, type InputFor, type OutputFor } from '../bridge/index.ts';
import { useText, type Text } from '../i18n/index.ts';
import { ErrorNotice, Select, TextField } from '../ui/index.ts';
import { PagePlace } from './PagePlace.tsx';
import { A4, atCorner, CORNERS, placeOf, RECTANGLE, rectangleOf, type Corner, type PageBox } from './pdf-place.ts';

const WORDS = ['reason', 'location', 'contact', 'signerName'] as const;

/** How a signature of a PDF is seen, and what it says. */
export interface Seen extends Readonly<Record<(typeof WORDS)[number], string>> {
  /** `field:` and the name of one that the document has. */
  readonly place: 'unseen' | Corner | 'own' | `field:${string}`;
  /** Counted from 1, as it is typed. */
  readonly page: string;
  /** `left,bottom,right,top`, in points of 1/72 inch: of a corner too. */
  readonly rectangle: string;
}
export const UNSEEN: Seen = { reason: '', location: '', contact: '', signerName: '', place: 'unseen', page: '1', rectangle: rectangleOf(A4, atCorner(A4, 'bottom-right')) };

type Pages = OutputFor<'files.pages'>;
const isPage = (page: string): boolean => /^[1-9]\d{0,5}$/.test(page);
const isShown = ({ place }: Seen): boolean => place !== 'unseen' && !place.startsWith('field:');

/** Whether what was typed can be taken. */
export function isSeenWell(seen: Seen): boolean {
  return !isShown(seen) || (isPage(seen.page) && RECTANGLE.test(seen.rectangle.replaceAll(' ', '')));
}

export function pdfInput(seen: Seen): Pick<InputFor<'files.sign'>, (typeof WORDS)[number] | 'rectangle' | 'page' | 'field'> {
  const { place, page, rectangle } = seen;
  return {
    ...Object.fromEntries(WORDS.flatMap((name) => (seen[name].trim() === '' ? [] : [[name, seen[name].trim()]]))),
    ...(isShown(seen) && { rectangle: rectangle.replaceAll(' ', ''), ...(isPage(page) && page !== '1' && { page: Number(page) }) }),
    ...(place.startsWith('field:') && { field: place.slice('field:'.length) }),
  };
}

/** @returns what the document's pages are, once somebody asks. */
function usePages(file: ChosenFile | undefined, wanted: boolean): { readonly pages: Pages | undefined; readonly error: unknown } {
  const bridge = useBridge();
  const [known, setKnown] = useState<{ readonly of: ChosenFile; readonly pages?: Pages; readonly error?: unknown }>();
  useEffect(() => {
    if (file === undefined || !wanted || file.isFolder === true || known?.of === file) return;
    let current = true;
    void file.toInput().then((reference) => bridge.call('files.pages', { file: reference })).then((pages) => current && setKnown({ of: file, pages }), (thrown: unknown) => current && setKnown({ of: file, error: asProblem(thrown) }));
    return () => { current = false; };
  }, [bridge, file, wanted, known]);
  return known !== undefined && known.of === file ? { pages: known.pages, error: known.error } : { pages: undefined, error: undefined };
}

export function PdfOptions({ value, onChange, files }: { value: Seen; onChange: (value: Seen) => void; files: readonly ChosenFile[] }) {
  const t = useText();
  const { place, page: number, rectangle } = value;
  const { pages, error } = usePages(files[0], true);
  const page: PageBox = pages?.pages[Number(number) - 1] ?? pages?.pages[0] ?? A4;
  const isThere = isPage(number) && (pages === undefined || Number(number) <= pages.total);
  const corner = CORNERS.find((one) => one === place);
  // A corner is where this page has it.
  useEffect(() => {
    const there = corner === undefined ? rectangle : rectangleOf(page, atCorner(page, corner));
    if (there !== rectangle) onChange({ ...value, rectangle: there });
  });
  const seen = placeOf(page, rectangle);
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap gap-4">
        {WORDS.map((name) => <TextField key={name} label={t(`files.pdf.${name}`)} value={value[name]} onChange={(next) => onChange({ ...value, [name]: next })} help={t(`files.pdfHelp.${name}`)} className="w-80" maxLength={1000} />)}
      </div>
      <div className="flex flex-wrap gap-4">
        <Select label={t('files.seen')} value={place} onChange={(next) => onChange({ ...value, place: next })} className="w-80" help={place === 'unseen' ? t('files.seenHelp.unseen') : t('files.seenHelp.seen')} choices={placesOf(pages, t)} />
        {isShown(value) && <TextField label={t('files.page')} value={number} onChange={(next) => onChange({ ...value, page: next })} isInvalid={!isThere} inputMode="numeric" help={pages === undefined ? t('files.pageHelp') : t('files.pageOf', { n: pages.total })} className="w-80" />}
      </div>
      {isShown(value) && seen !== undefined && <PagePlace page={page} number={Number(number)} value={seen} onChange={(next) => onChange({ ...value, place: 'own', rectangle: rectangleOf(page, next) })} />}
      {place === 'own' && <TextField label={t('files.rectangle')} value={rectangle} onChange={(next) => onChange({ ...value, rectangle: next })} isInvalid={!RECTANGLE.test(rectangle.replaceAll(' ', ''))} help={t('files.rectangleHelp')} className="w-80" mono />}
      <ErrorNotice error={error} />
    </div>
  );
}

function placesOf(pages: Pages | undefined, t: Text): { value: Seen['place']; label: string }[] {
  return [
    ...(['unseen', ...CORNERS, 'own'] as const).map((value) => ({ value, label: t(`files.seenName.${value}`) })),
    ...(pages?.fields ?? []).map((name) => ({ value: `field:${name}` as const, label: t('files.seenInField', { name }) })),
  ];
}
