import { malformedAt, within } from '../../formats/malformed.ts';
import { judgeSignedData } from '../cms/judge.ts';
import { readSignedData } from '../cms/read.ts';
import { digestOf, type Signed } from '../cms/verify.ts';
import { notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { digestByUri, DSIG } from '../xml/names.ts';
import { decodeXml, parseXml } from '../xml/parse.ts';
import { attributeOf, elementsWithin, type XmlElement } from '../xml/tree.ts';
import type { OutsideReference } from '../xml/content.ts';
import { judgeXmlSignatures } from '../xml/verify.ts';
import { quoted, unsignedSentence } from '../zip/coverage.ts';
import type { Container } from './container.ts';
import { ASIC, isCadesFile, isCadesManifest, isTimestampFile, isXadesFile, MANIFEST_NAME, nameOf } from './names.ts';

/** Judges ASiC-S and ASiC-E, with XAdES and with CAdES (ETSI EN 319 162-1 §4): each signature, what it covers, and what none covers. */

/** One signature file, and the data files that it covers. */
interface Judged {
  readonly verdict: SignatureVerdict;
  readonly names: readonly string[];
}

const MAX_SIGNATURE = 16 * 1024 * 1024;
const MAX_WHOLE = 256 * 1024 * 1024;

/** @returns a verdict for each signature of an ASiC-E or ASiC-S container (ETSI EN 319 162-1), with the files that it covers. */
export async function judgeContainer(container: Container, trust: Trust): Promise<SignatureVerdict[]> {
  if (container.twice.length > 0) return [notIntact(`There are two entries ${quoted(container.twice)}: programs take one or the other, and only one of them is what was signed.`)];
  const judged = [...(await xadesIn(container, trust)), ...(await cadesIn(container, trust))];
  if (judged.length === 0) return [notIntact('Nobody signed the container: there is no signature in it.', { unsigned: true })];
  const covered = new Set(judged.filter(({ verdict }) => verdict.intact).flatMap(({ names }) => names));
  const uncovered = container.data.filter((name) => !covered.has(name));
  const beside = container.names((name) => /^META-INF\/./i.test(name) && !name.endsWith('/') && ![isXadesFile, isCadesFile, isCadesManifest].some((is) => is(name)) && name !== MANIFEST_NAME);
  const type = await container.type();
  return judged.map(({ verdict, names }) => {
    if (!verdict.intact) return verdict;
    const { algorithm, spki, known } = verdict;
    if (uncovered.length > 0) return notIntact(unsignedSentence('file', uncovered), { algorithm, spki, known });
    const others = container.data.filter((name) => !names.includes(name));
    return { ...verdict, notes: [
      ...verdict.notes, others.length === 0 ? `It signs all that the container holds: ${quoted(container.data)}.` : `It signs ${quoted(names)}; another signature signs ${quoted(others)}.`,
      ...(beside.length === 0 ? [] : [`No signature covers ${quoted(beside)}, which ${beside.some(isTimestampFile) ? 'is not judged' : 'is no file of the signer’s'}.`]),
      ...(type === null || type.startsWith('application/vnd.etsi.asic-') ? [] : [`The container says that it is something else: ${type.slice(0, 100)}.`]),
    ] };
  });
}

async function xadesIn(container: Container, trust: Trust): Promise<Judged[]> {
  const judged: Judged[] = [];
  for (const file of container.names(isXadesFile)) {
    const bytes = await container.bytes(file, MAX_SIGNATURE);
    const document = within(file, () => parseXml(decodeXml(bytes)));
    for (const { verdict, outside } of await judgeXmlSignatures(document, (references) => judgeReferences(references, container), trust)) {
      if (verdict.intact && outside.length === 0) judged.push({ verdict: notIntact(`The signature in ${file} signs nothing that the container holds.`, { algorithm: verdict.algorithm, spki: verdict.spki, known: verdict.known }), names: [] });
      else judged.push({ verdict, names: outside.map(({ uri }) => nameOf(uri) as string) });
    }
  }
  return judged;
}

async function judgeReferences(references: readonly OutsideReference[], container: Container): Promise<{ problem: string | null; notes: readonly string[] }> {
  for (const { uri, hash, digest } of references) {
    const name = nameOf(uri);
    if (name === null || !container.has(name)) return { problem: `What was signed is not in the container: ${quoted([name ?? uri])}.`, notes: [] };
    if (!(await container.digest(name, hash)).equals(digest)) return { problem: `The file ${quoted([name])} was changed after it was signed.`, notes: [] };
  }
  return { problem: null, notes: [] };
}

/** ASiC-E has a manifest for each CMS signature, which signs that; ASiC-S has one signature of its one file. */
async function cadesIn(container: Container, trust: Trust): Promise<Judged[]> {
  const judged: Judged[] = [];
  const signed = new Set<string>();
  for (const file of container.names(isCadesManifest)) {
    const bytes = await container.bytes(file, MAX_SIGNATURE);
    const { signature, references } = within(file, () => readManifest(bytes, file));
    if (signature === null || !container.has(signature)) {
      judged.push({ verdict: notIntact(`${file} lists files, and its signature is missing.`), names: [] });
      continue;
    }
    if (!isCadesFile(signature)) continue; // a timestamp's, which is told of beside
    signed.add(signature);
    judged.push(...(await judgeCms(signature, { digest: async (name) => digestOf(name, bytes), whole: async () => bytes }, references, container, trust)));
  }
  for (const file of container.names(isCadesFile).filter((name) => !signed.has(name))) {
    const [only, second] = container.data;
    if (only === undefined || second !== undefined) judged.push({ verdict: notIntact(`${file} does not say what it is of: no manifest names it, and the container does not hold exactly one file.`), names: [] });
    else judged.push(...(await judgeCms(file, { digest: (name) => container.digest(only, name), whole: () => container.bytes(only, MAX_WHOLE) }, [], container, trust)).map(({ verdict }) => ({ verdict, names: [only] })));
  }
  return judged;
}

async function judgeCms(file: string, signed: Signed, references: readonly OutsideReference[], container: Container, trust: Trust): Promise<Judged[]> {
  const bytes = await container.bytes(file, MAX_SIGNATURE);
  const data = within(file, () => readSignedData(bytes));
  if (data.signers.length === 0) return [{ verdict: notIntact(`${file} has certificates alone: nobody signed.`), names: [] }];
  if (data.content !== null && !Buffer.from(data.content).equals(await signed.whole())) return [{ verdict: notIntact(`${file} signs something else than what it lies beside.`), names: [] }];
  const { problem } = await judgeReferences(references, container);
  const weak = references.some(({ hash }) => hash === 'sha1') ? 'The container’s files are hashed by SHA-1, which is broken: another file with the same digest can be made.' : null;
  return (await judgeSignedData(data, signed, trust)).map((verdict) => {
    const { intact, algorithm, spki, known } = verdict;
    const judged = !intact ? verdict : problem !== null ? notIntact(problem, { algorithm, spki, known }) : weak === null ? verdict : { ...verdict, trustedBy: null, problem: verdict.problem ?? weak };
    return { verdict: judged, names: references.map(({ uri }) => nameOf(uri) as string) };
  });
}

/** ASiCManifest (§A.4): the signature, and digests of what it signs. @throws INVALID_INPUT */
function readManifest(bytes: Buffer, file: string): { signature: string | null; references: OutsideReference[] } {
  const { root } = parseXml(decodeXml(bytes));
  const fault = (detail: string): Error => malformedAt(file, detail);
  if (root.uri !== ASIC || root.local !== 'ASiCManifest') throw fault('It is no ASiCManifest.');
  let signature: string | null = null;
  const references: OutsideReference[] = [];
  for (const element of elementsWithin(root)) {
    if (element.uri !== ASIC) continue;
    if (element.local === 'SigReference') signature = nameOf(attributeOf(element, 'URI') ?? '');
    if (element.local !== 'DataObjectReference') continue;
    const part = (local: string): XmlElement | undefined => element.children.find((one): one is XmlElement => one.kind === 'element' && one.uri === DSIG && one.local === local);
    const hash = digestByUri(attributeOf(part('DigestMethod') ?? element, 'Algorithm') ?? '');
    const value = part('DigestValue')?.children.map((one) => (one.kind === 'text' ? one.value : '!')).join('') ?? '';
    if (hash === undefined || !/^[A-Za-z0-9+/=\s]+$/.test(value)) throw fault('It lists a file without a digest that is known.');
    references.push({ uri: attributeOf(element, 'URI') ?? '', hash, digest: Buffer.from(value, 'base64') });
  }
  if (references.length === 0) throw fault('It lists no files.');
  return { signature, references };
}
