import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { inflateSync } from 'node:zlib';
import { corpus, filesIn } from '../../../../scripts/corpora.ts';
import { KeywrightError, SecretBytes } from '../../../contract/index.ts';
import { inspect } from '../inspect.ts';
import { Tree } from '../tree.ts';

/** What the inspector says of every file of the corpora: the table of docs/formats-files.md. */

export const REPORT = 'docs/formats-files.md';
/** Wycheproof's vectors are run, and have a page of their own. */
export const FOLDERS = ['age', 'cms', 'cose-examples', 'jose-cookbook', 'lamps-pq', 'minisign', 'pdf', 'pyca', 'rfc3161', 'rfc9579', 'ssh', 'tss2', 'yubico'] as const;

export interface Told {
  readonly file: string;
  /** As the inspector names it. */
  readonly kind: string;
  readonly verdict: string;
  readonly why: string;
}

/** Of files that are neither keys nor messages: what they are. */
const NEITHER: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\/(?:LICEN[CS]E|COPYING|SOURCE|README|PASSWORDS)[^/]*$/, 'about the folder'], [/\.fp(?:\.bb)?$/, 'a fingerprint, as text'], [/\.param\.\w+$/, 'a number, as text'], [/_algo\.der$/, 'an algorithm identifier alone'],
  [/tbs-precert\.der$/, 'the body of a certificate, without its signature'], [/(?:rfc\d+|compressed_points|policy)\.txt$/, 'numbers of test vectors, as text'], [/lamps-(?:pq|cms).*\.txt$/, 'a dump as text, or bare bytes'], [/\.cddl$/, 'a grammar'],
  [/bad\.pub\.b64$/, 'no public key: a character is missing or too many'], [/hashedMessage|\.keyid$|\.srl$/, 'bare bytes'], [/(?:message|data|smcont)\.txt$|ExContent\.bin$|signed-data$|namespace$|jedisct1\/test$|testdata\/pw$/, 'what is signed or encrypted, or a word'],
];
/** Opening it takes scrypt 1 GiB; the tests of minisign do. */
const LEFT_CLOSED = /minisign\/aead\/minisign\.key$/;

function passwordsOf(name: string, folder: string): (file: string) => string | undefined {
  if (name === 'pyca') {
    const known = new Map(readFileSync(join(folder, 'PASSWORDS.tsv'), 'utf8').split('\n').map((line) => line.split('\t')).map(([file = '', password = '']) => [`pyca/${file}`, password]));
    return (file) => (known.get(file) === '?' || known.get(file) === '-' ? undefined : known.get(file));
  }
  if (name === 'rfc9579') return (file) => (file.includes('bouncycastle') ? 'xxxxxx' : '1234');
  if (name === 'ssh') return () => readFileSync(join(folder, 'sshkey', 'testdata', 'pw'), 'utf8').trim();
  if (name === 'pdf') return (file) => (file.endsWith('pdfbox/keystore.p12') ? '123456' : file.endsWith('selfsigned.pfx') ? 'exportsecret' : file.endsWith('.key.pem') ? 'secret' : undefined);
  return () => undefined;
}

/** Test vectors around what they are of: the file itself stands within. */
function inside(file: string, content: Buffer): { readonly content: Buffer; readonly note: string } | undefined {
  if (file.startsWith('age/testdata/')) {
    const end = content.indexOf('\n\n');
    const head = content.toString('latin1', 0, end);
    const body = content.subarray(end + 2);
    return { content: /^compressed: zlib$/m.test(head) ? inflateSync(body) : body, note: /^expect: (.*)$/m.exec(head)?.[1] ?? '' };
  }
  if (file.startsWith('cose-examples/') && file.endsWith('.json')) {
    const { output, title, fail } = JSON.parse(content.toString('utf8')) as { output?: { cbor?: string }; title?: string; fail?: boolean };
    return output?.cbor === undefined ? undefined : { content: Buffer.from(output.cbor, 'hex'), note: fail === true ? 'expect: failure' : title === undefined ? '' : '' };
  }
  if (file.startsWith('jose-cookbook/') && file.endsWith('.json')) {
    const { output } = JSON.parse(content.toString('utf8')) as { output?: { compact?: string; json?: object; json_flat?: object } };
    const shown = output?.compact ?? output?.json_flat ?? output?.json;
    return shown === undefined ? undefined : { content: Buffer.from(typeof shown === 'string' ? shown : JSON.stringify(shown)), note: '' };
  }
  return undefined;
}

async function look(content: Buffer, password: string | undefined): Promise<{ kind: string; tree: Tree; refused: KeywrightError | undefined }> {
  const tree = new Tree(() => []);
  try {
    const { kind } = await inspect(content, { tree, signal: new AbortController().signal, passphrase: password === undefined ? undefined : async () => SecretBytes.fromText(password) });
    return { kind, tree, refused: undefined };
  } catch (thrown) {
    if (!(thrown instanceof KeywrightError) || thrown.code !== 'PIN_INCORRECT') throw thrown;
    const { kind, tree: closed } = await look(content, undefined);
    return { kind, tree: closed, refused: thrown };
  }
}

/** @returns what is said of each file of a corpus, in their order. */
export async function toldOf(name: string): Promise<Told[]> {
  const folder = corpus(name) as string;
  const passwordOf = passwordsOf(name, folder);
  const told: Told[] = [];
  for (const path of filesIn(folder)) {
    const file = `${name}/${relative(folder, path)}`;
    const whole = readFileSync(path);
    const within = inside(file, whole);
    const { kind, tree, refused } = await look(within?.content ?? whole, LEFT_CLOSED.test(file) ? undefined : passwordOf(file));
    const outer = within === undefined ? kind : `${kind} (within a test vector)`;
    told.push({ file, kind: outer, ...verdictOf(file, kind, tree, refused, within?.note ?? '') });
  }
  return told;
}

function verdictOf(file: string, kind: string, tree: Tree, refused: KeywrightError | undefined, note: string): Pick<Told, 'verdict' | 'why'> {
  const expected = note === '' || note === 'success' ? '' : ` (${note.replace('expect: ', '')}, says the vector)`;
  if (refused !== undefined) return { verdict: `refused \`${refused.code}\``, why: /bad-iter|bad-salt|bad-len|negative-len|-a[45]\./.test(file) ? 'the MAC does not fit, whatever the passphrase' : 'not the passphrase that is known' };
  if (tree.problems.length > 0) {
    const [first] = tree.problems;
    const good = tree.items.length - tree.items.filter(({ findings }) => findings.some(({ code }) => code === 'unreadable')).length;
    return { verdict: `${good > 1 ? 'read but for a part' : 'refused'} \`${first!.code}\``, why: `${first!.detail}${first!.where === null ? '' : ` (${first!.where})`}${expected}` };
  }
  if (kind === 'unknown' || kind === 'empty') return { verdict: '–', why: NEITHER.find(([pattern]) => pattern.test(file))?.[1] ?? expected.replaceAll(/^ \(|, says the vector\)$/g, '') };
  if (kind.startsWith('other-pem') && file.startsWith('age/')) return { verdict: '–', why: expected.trim() };
  if (kind === 'json') return { verdict: '–', why: 'a description in JSON' };
  if (tree.items.some(({ locked }) => locked)) return { verdict: 'closed', why: 'a passphrase opens it' };
  const broken = tree.items.flatMap(({ findings }) => findings).find(({ level }) => level === 'broken');
  return { verdict: 'read', why: broken === undefined ? expected.trim() : `broken: ${broken.detail}` };
}

/** @returns the rows of a folder: files of which the same is said stand together. */
export function rowsOf(told: readonly Told[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { file, kind, verdict, why } of told) {
    const key = `| ${kind} | ${verdict} | ${cell(why)} |`;
    const folder = file.slice(0, file.lastIndexOf('/'));
    groups.set(`${folder}\n${key}`, [...(groups.get(`${folder}\n${key}`) ?? []), file.slice(folder.length + 1)]);
  }
  return [...groups].map(([key, files]) => {
    const [folder, rest] = key.split('\n') as [string, string];
    return `| ${folder}/ ${files.map(cell).join(', ')} ${rest}`;
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/[\u0000-\u001f<>]/g, ' ');

export function reportOf(all: ReadonlyMap<string, readonly Told[]>): string {
  const counted = (told: readonly Told[], verdict: RegExp): number => told.filter((one) => verdict.test(one.verdict)).length;
  const summary = [...all].map(([name, told]) => `| [${name}](#${name}) | ${told.length} | ${counted(told, /^read$/)} | ${counted(told, /^closed/)} | ${counted(told, /^re(?:fused|ad but)/)} | ${counted(told, /^–/)} |`);
  return `${[
    '# Files by others: what is said of each', '',
    'Every file of the collections of test files that we have, as `keywright files inspect --open` tells it: by what name, whether it is read, and if not why that is right.',
    'Regenerate with `node scripts/formats-table.ts`; the tests compare each row. Wycheproof’s vectors have [a page of their own](wycheproof.md).', '',
    '*read*: all of it is explained. *closed*: it is told, and a passphrase that nobody gave would show more. *refused*: with the error and the place; what is well-formed and not handled is `CAPABILITY_MISSING`, what is damaged `INVALID_INPUT`.',
    '*–*: nothing that is read. *Broken* is what is read and must not be relied on. What a recipient’s part of an encrypted file says, and whether a payload is whole, is judged when it is opened.', '',
    '| folder | files | read | closed | refused | – |', '| --- | --- | --- | --- | --- | --- |', ...summary,
    ...[...all].flatMap(([name, told]) => ['', `## ${name}`, '', '| files | told as | verdict | why |', '| --- | --- | --- | --- |', ...rowsOf(told)]),
  ].join('\n')}\n`;
}
