import { malformedAt, within } from '../../formats/malformed.ts';
import { readSignedData } from '../cms/read.ts';
import { judgeSignedData } from '../cms/judge.ts';
import type { Signed } from '../cms/verify.ts';
import { notIntact, type SignatureVerdict, type Trust } from '../format.ts';
import { hashing, type RandomReader } from '../raw.ts';
import { quoted, unsignedSentence } from '../zip/coverage.ts';
import { type Archive, type EntryState, judgeEntries, type SignerFiles } from './archive.ts';
import { digestsIn, fits, isWeak, type Manifest, type ManifestHash, parseManifest, type Section } from './manifest.ts';

/**
 * Judges the signers of a JAR or APK, each in three steps: the block signs the signature file; the signature file has the
 * digests of the manifest, or of its sections; the manifest has those of the entries. What one step does not say is not signed.
 */

/** What a signer's file says of the manifest. */
interface Coverage {
  /** Entries that it signs. */
  readonly names: ReadonlySet<string>;
  /** What does not fit, in a sentence. */
  readonly problem: string | null;
  /** Why it is not to be relied on although it fits. */
  readonly weak: string | null;
}

interface Judged {
  readonly coverage: Coverage;
  readonly verdicts: readonly SignatureVerdict[];
}

/** @returns a verdict a signature. @throws INVALID_INPUT with the place for what is malformed */
export async function judgeArchive(archive: Archive, reader: RandomReader, trust: Trust): Promise<SignatureVerdict[]> {
  const { manifest, signers, twice } = archive;
  if (signers.length === 0) return [notIntact(manifest === null ? 'The archive is not signed: it has no manifest.' : 'Nobody signed the archive: it has no signature block.', { unsigned: true })];
  if (twice.length > 0) return [notIntact(`There are two entries ${quoted(twice)}: programs take one or the other, and only one of them is what was signed.`)];
  if (manifest === null) return [notIntact('The archive has signature files, but no manifest: that was taken out.')];
  const states = await judgeEntries(archive, reader);
  const judged: Judged[] = [];
  for (const files of signers) judged.push(await judgeSigner(files, manifest, states, archive, trust));
  const covered = new Set(judged.filter(isSound).flatMap(({ coverage }) => [...coverage.names]));
  const uncovered = archive.files.map(({ name }) => name).filter((name) => !covered.has(name));
  return judged.flatMap((one) => one.verdicts.map((verdict) => completed(verdict, one.coverage, uncovered, archive)));
}

const isSound = ({ coverage, verdicts }: Judged): boolean => coverage.problem === null && verdicts.length > 0 && verdicts.every(({ intact }) => intact);

async function judgeSigner({ base, signatureFile, block }: SignerFiles, manifest: Manifest, states: ReadonlyMap<string, EntryState>, archive: Archive, trust: Trust): Promise<Judged> {
  const nothing = (problem: string): Judged => ({ coverage: { names: new Set(), problem, weak: null }, verdicts: [notIntact(problem)] });
  if (block === null) return nothing(`META-INF/${base}.SF has no signature: its block was taken out.`);
  if (signatureFile === null) return nothing(`${block.entry.name} signs nothing: META-INF/${base}.SF is missing.`);
  const data = within(block.entry.name, () => readSignedData(block.bytes));
  if (data.content !== null && !signatureFile.bytes.equals(data.content)) return nothing(`${block.entry.name} signs something else than ${signatureFile.entry.name}.`);
  if (data.signers.length === 0) return nothing(`${block.entry.name} has certificates alone: nobody signed.`);
  const signed: Signed = { digest: async (name) => hashing(name).update(signatureFile.bytes).digest(), whole: async () => signatureFile.bytes };
  const verdicts = await judgeSignedData(data, signed, trust);
  // What nobody signed is not even read.
  const coverage = verdicts.every(({ intact }) => intact) ? coverageOf(signatureFile, manifest, states, archive) : { names: new Set<string>(), problem: null, weak: null };
  return { coverage, verdicts };
}

/** What a signature file vouches for, once its own signature fits. */
function coverageOf({ entry, bytes }: NonNullable<SignerFiles['signatureFile']>, manifest: Manifest, states: ReadonlyMap<string, EntryState>, { zip }: Archive): Coverage {
  const { main, sections } = parseManifest(bytes, entry.name);
  const none = (problem: string): Coverage => ({ names: new Set(), problem, weak: null });
  if (main.attributes.get('signature-version') !== '1.0') return none(`${entry.name} is of a version that is not known.`);
  const schemes = main.attributes.get('x-android-apk-signed');
  if (schemes !== undefined && zip.apkBlock === null) return none(`The APK was also signed by scheme ${schemes}, and that signature was taken out.`);
  const { problem, used } = whatFits(main, sections, manifest);
  if (problem !== null) return none(problem);
  const names = new Set<string>();
  for (const name of sections.keys()) {
    if (digestsIn(manifest.sections.get(name) as Section, 'digest').size === 0) continue; // about a package, or an entry that the manifest has no digest of
    const state = states.get(name);
    if (state === undefined) return none(`The signed entry ${quoted([name])} is missing.`);
    if (state === 'changed') return none(`The entry ${quoted([name])} was changed after it was signed.`);
    names.add(name);
  }
  const isOld = used.length > 0 && used.every(isWeak) || [...names].some((name) => states.get(name) === 'weak');
  return { names, problem: null, weak: isOld ? 'The archive is signed by digests of SHA-1 or MD5, for which another file can be made.' : null };
}

/** How a signature file's digests stand to the manifest: to all of it, or else to its main section and each section that is listed. @returns what does not fit, and the digests that do. */
function whatFits(main: Section, sections: ReadonlyMap<string, Section>, manifest: Manifest): { problem: string | null; used: ManifestHash[] } {
  const whole = digestsIn(main, 'digest-manifest');
  const isWhole = fits(whole, manifest.bytes) === true;
  const ofMain = digestsIn(main, 'digest-manifest-main-attributes');
  if (!isWhole && fits(ofMain, manifest.main.bytes) === false) return { problem: 'The main section of the manifest was changed after it was signed.', used: [] };
  const used = isWhole ? [...whole.keys()] : [...ofMain.keys()];
  for (const [name, section] of sections) {
    const listed = manifest.sections.get(name);
    if (listed === undefined) return { problem: `${quoted([name])} was signed, and is not in the manifest any more.`, used };
    if (isWhole) continue;
    const digests = digestsIn(section, 'digest');
    const matches = fits(digests, listed.bytes);
    if (matches !== true) return { problem: `The manifest’s section for ${quoted([name])} ${matches === undefined ? 'is not signed' : 'was changed after it was signed'}.`, used };
    used.push(...digests.keys());
  }
  return { problem: null, used };
}

/** Joins what the block says with what the archive says. */
function completed(verdict: SignatureVerdict, { names, problem, weak }: Coverage, uncovered: readonly string[], { files, stray, zip }: Archive): SignatureVerdict {
  if (!verdict.intact) return verdict;
  const { algorithm, spki, known } = verdict;
  if (problem !== null) return notIntact(problem, { algorithm, spki, known });
  if (uncovered.length > 0) return notIntact(unsignedSentence('entry', uncovered), { algorithm, spki, known });
  const others = files.length - names.size;
  const notes = [
    ...verdict.notes, others === 0 ? (files.length === 1 ? 'It signs the one entry that there is.' : `It signs all ${files.length} entries.`) : `It signs ${names.size} of ${files.length} entries; the others are signed by another signature.`,
    ...(stray.length > 0 ? [`No signature ever covers ${quoted(stray)}.`] : []), ...(zip.apkBlock === null ? [] : ['The APK is also signed by a newer scheme (v2 or later), which is not judged here.']),
  ];
  return weak === null ? { ...verdict, notes } : { ...verdict, notes, trustedBy: null, problem: verdict.problem ?? weak };
}

/** @returns the signature files whose digests fit a manifest, whoever signed them. */
export function signersThatFit(signers: readonly SignerFiles[], manifest: Manifest): string[] {
  return signers.flatMap(({ signatureFile }) => {
    if (signatureFile === null) return [];
    const { main, sections } = parseManifest(signatureFile.bytes, signatureFile.entry.name);
    return whatFits(main, sections, manifest).problem === null ? [signatureFile.entry.name] : [];
  });
}

/** @throws INVALID_INPUT: an archive has its signatures inside */
export function assertInside(signature: Uint8Array | null): void {
  if (signature !== null) throw malformedAt('/signature', 'A JAR holds its signatures itself.', 'Name the archive alone.');
}
