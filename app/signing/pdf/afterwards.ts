import { KeywrightError } from '../../contract/index.ts';
import { type Changes, type ChangeKind, changesBetween } from './changes.ts';
import type { PdfDocument } from './document.ts';
import { type Covered, isBlank, type Permission, restrictionsOf } from './signatures.ts';
import type { PdfDict } from './values.ts';

/** What became of a document after it was signed, and whether the signer allows it. */

interface Afterwards {
  readonly kinds: readonly ChangeKind[];
  readonly notes: readonly string[];
  /** In a sentence; null when all is well. */
  readonly problem: string | null;
  /** It is no longer the document that was signed; else it is, but a careful person should look. */
  readonly harms: boolean;
}

const WORDS: Readonly<Record<ChangeKind, string>> = {
  signature: 'another signature', timestamp: 'a timestamp of the document', 'validation-data': 'data to verify signatures with', metadata: 'data about the document', form: 'form filling', annotation: 'annotations', other: 'other changes',
};
/** What each level of a certification forbids (ISO 32000-2 Table 257). */
const FORBIDDEN: Readonly<Record<Permission, readonly ChangeKind[]>> = { 1: ['signature', 'form', 'annotation'], 2: ['annotation'], 3: [] };

/** @returns what was done to the document after the signature, and whether that is allowed. */
export function afterwards(signature: PdfDict, covered: Covered, document: PdfDocument): Afterwards {
  const { signed, end } = covered;
  if (end === document.bytes.length) return { kinds: [], notes: ['It covers the whole document.'], problem: null, harms: false };
  const [revision, revisions] = [revisionsOf(signed), revisionsOf(document)];
  const place = revision === revisions ? 'It covers the whole document.' : `It covers version ${revision} of ${revisions}, the first ${end} bytes.`;
  const changed = (what: string): Afterwards => ({ kinds: ['other'], notes: [revision === revisions ? `It covers the first ${end} bytes.` : place], problem: `The document was changed after it was signed: ${what}.`, harms: true });
  const odd = oddAfter(covered, document);
  if (odd !== null) return changed(odd);
  let changes: Changes;
  try {
    changes = changesBetween(signed, document);
  } catch (thrown) {
    if (thrown instanceof KeywrightError && (thrown.code === 'INVALID_INPUT' || thrown.code === 'CAPABILITY_MISSING')) return changed(`what was added cannot be read. ${thrown.message.replace(/\.$/, '')}`);
    throw thrown;
  }
  const kinds = (Object.keys(WORDS) as ChangeKind[]).filter((kind) => changes.kinds.has(kind));
  const names = changes.kinds.has('form') && changes.fields.length > 0 ? ` (${changes.fields.slice(0, 10).join(', ')})` : '';
  const notes = kinds.length === 0 ? [place] : [`${place} Added afterwards: ${kinds.map((kind) => WORDS[kind] + (kind === 'form' ? names : '')).join(', ')}.`];
  const all = { kinds, notes };
  if (kinds.includes('other')) return { ...all, problem: `The document was changed after it was signed: ${changes.others.join('; ')}.`, harms: true };
  const { permission, locks } = restrictionsOf(signature, signed);
  const forbidden = permission === undefined ? [] : kinds.filter((kind) => FORBIDDEN[permission].includes(kind));
  if (forbidden.length > 0) return { ...all, problem: `The signer certified the document and forbids what came afterwards: ${forbidden.map((kind) => WORDS[kind]).join(', ')}.`, harms: true };
  if (permission !== undefined && permission < 3 && changes.showsNewField) return { ...all, problem: 'The signer certified the document, and a new field that covers part of a page was added to it.', harms: true };
  const locked = changes.fields.find(locks);
  if (locked !== undefined) return { ...all, problem: `The field “${locked}” was locked by this signature, and changed afterwards.`, harms: true };
  if (kinds.includes('annotation') && permission !== 3) return { ...all, problem: 'Annotations were added or changed after it was signed, which may cover what was signed. Look at the version that was signed.', harms: false };
  return { ...all, problem: null, harms: false };
}

/** What follows must be versions that are built on the signed one, and nothing else: readers that look elsewhere would see another document. */
function oddAfter({ signed, end }: Covered, document: PdfDocument): string | null {
  const { bytes, sections, closedAt } = document;
  const [newest, own] = [sections[0]!.offset, signed.sections[0]!.offset];
  if (newest === own) return isBlank(bytes.subarray(end)) ? null : `${bytes.length - end} bytes were added that belong to no version`;
  if (newest < end || !sections.some(({ offset }) => offset === own)) return 'what was added is not built on the version that was signed';
  if (closedAt !== undefined && !isBlank(bytes.subarray(closedAt))) return `${bytes.length - closedAt} bytes follow the end of its last version`;
  for (let at = bytes.indexOf('%PDF-', end, 'latin1'); at >= 0; at = bytes.indexOf('%PDF-', at + 1, 'latin1')) {
    if (at === end || bytes[at - 1] === 0x0a || bytes[at - 1] === 0x0d) return `another document begins within it, at offset ${at}`;
  }
  return null;
}

/** How many versions there are: a file that is laid out for the web has two cross-reference sections in its first. */
export function revisionsOf({ sections }: PdfDocument): number {
  return sections.filter(({ offset }, index) => index + 1 === sections.length || sections[index + 1]!.offset < offset).length;
}
