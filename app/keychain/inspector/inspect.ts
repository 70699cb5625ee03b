import { type SecretBytes } from '../../contract/index.ts';
import { recognise, type Recognised } from '../../formats/index.ts';
import { DerReader, TAG } from '../../formats/der.ts';
import { malformed } from '../../formats/malformed.ts';
import { looksLikePem, parsePem, type PemBlock } from '../../formats/pem.ts';
import { describeCertificate, describeCms, describeCrl, describeOcsp, describeRequest, describeTimestamp } from './certificates.ts';
import { describeJwks, describeKeyFile, describePublicKey, describeSshLines } from './keys.ts';
import { describeArchive, describeContainer, describeXml } from './containers.ts';
import { describeAge, describeCose, describeJwe, describeJws, describeMinisign, describeSshsig, describeTss2 } from './others.ts';
import { describePdf } from './pdf.ts';
import { describeOpenpgp } from './openpgp.ts';
import { openEncoding } from '../../signing/cms/encodings.ts';
import { Turns } from '../turns.ts';
import { sniffMore } from './sniff.ts';
import type { Item, Tree } from './tree.ts';

/** Describes a file by its content, part by part. What one part lacks keeps nothing from the others. */

interface Inspecting {
  readonly tree: Tree;
  /** Absent: what is encrypted stays closed. */
  readonly passphrase: (() => Promise<SecretBytes>) | undefined;
  readonly signal: AbortSignal;
}

const PRIVATE: ReadonlySet<string> = new Set(['pkcs8', 'pkcs8-encrypted', 'pkcs1', 'sec1', 'openssh-private', 'jwk', 'jwk-set', 'jwe-passphrase', 'pkcs12', 'jks', 'bks', 'ppk', 'age-identity', 'cose-key', 'minisign-secret']);
/** Kinds whose bytes are a secret, also where they are none that is read. */
export const SECRET_KINDS: ReadonlySet<string> = new Set([...PRIVATE, 'dsa-private', 'openpgp-private-key', 'sigstore-private', 'unknown', 'json']);
/** Armour says so itself, whoever's it is and however damaged. Else the first packet of OpenPGP does (RFC 9580 §5): types 5 and 7 are private keys. */
export const saysSecret = (content: Uint8Array): boolean => /-----BEGIN [^-\r\n]{0,60}(?:PRIVATE|SECRET)/.test(Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1')) || [0x94, 0x95, 0x96, 0x97, 0x9c, 0x9d, 0x9e, 0x9f, 0xc5, 0xc7].includes(content[0] ?? 0);
const PUBLIC: ReadonlySet<string> = new Set(['public-key', 'pkcs1-public', 'age-recipient']);
const NOTHING: ReadonlySet<string> = new Set(['unknown', 'empty', 'json']);
const MAX_BASE64 = 1024 * 1024;
const LINES: ReadonlySet<string> = new Set(['openssh-public', 'openssh-certificate', 'known-hosts', 'authorized-keys']);

export async function inspect(whole: Uint8Array, inspecting: Inspecting): Promise<{ kind: string; detail: string }> {
  const { content, told } = unwrapped(whole);
  const { tree } = inspecting;
  if (looksLikePem(content.subarray(0, 1024 * 1024)) && told.what !== 'openpgp' && told.what !== 'pdf' && told.what !== 'age') {
    let blocks: PemBlock[] = [];
    await tree.attempt(null, () => { blocks = parsePem(content, MAX_BLOCKS); });
    if (blocks.length > 0) {
      const root = blocks.length === 1 ? null : tree.add(null, { kind: 'pem', title: `${blocks.length} PEM blocks`, detail: 'A PEM file of several parts.' });
      const turns = new Turns(inspecting.signal);
      for (const block of blocks) {
        await turns.next();
        if (tree.isFull) break;
        const place = `line ${block.line}`;
        const before = tree.items.length;
        await tree.attempt(place, () => describeBlock(block, root, place, inspecting));
        if (tree.items.length === before) tree.add(root, { ...bare(recognise(writtenAgain(block))), where: place });
      }
      return blocks.length === 1 ? { kind: told.what, detail: told.detail } : { kind: 'pem', detail: `A PEM file of ${blocks.length} parts: ${[...new Set(blocks.map(({ label }) => label))].slice(0, 6).join(', ')}.` };
    }
  }
  const row = tree.problems.length === 0 && SINGLE.has(told.what) ? inARow(content) : undefined;
  if (row !== undefined) await describeRow(row, content, inspecting);
  else if (tree.problems.length === 0) await tree.attempt(null, () => describe(told.what, told.detail, content, null, null, inspecting));
  if (tree.items.length === 0) tree.add(null, bare(told));
  return { kind: told.what, detail: told.detail };
}

/** As many as there can be certificates in a bundle that is imported. Of those, the tree shows the first. */
const MAX_BLOCKS = 20_000;
/** Structures of DER that are a whole file; some have several in a row, or something behind them. */
const SINGLE: ReadonlySet<string> = new Set(['certificate', 'crl', 'certificate-request', 'attribute-certificate', 'public-key', 'ocsp-response']);
const MAX_ROW = 1000;

/** @returns where each of the structures in a row begins and where the last one ends; undefined for one alone, and for none that is whole */
function inARow(content: Uint8Array): number[] | undefined {
  const reader = new DerReader(content);
  const ends = [0];
  try {
    while (reader.peek() === TAG.sequence && ends.length <= MAX_ROW) ends.push(reader.next('it').to);
  } catch { /* the last one is cut off, and told as what follows */ }
  return ends.length > 2 || (ends.length === 2 && ends[1] !== content.length) ? ends : undefined;
}

async function describeRow(ends: readonly number[], content: Uint8Array, inspecting: Inspecting): Promise<void> {
  const { tree } = inspecting;
  for (const [index, to] of ends.slice(1).entries()) {
    inspecting.signal.throwIfAborted();
    const from = ends[index] as number;
    const part = content.subarray(from, to);
    const { what, detail } = recognise(part);
    await tree.attempt(`offset ${from}`, () => describe(what, detail, part, null, `offset ${from}`, inspecting));
  }
  const end = ends.at(-1) as number;
  if (end < content.length) await tree.attempt(null, () => { throw malformed(`${content.length - end} bytes follow that are nothing of it.`, end); });
}

/** What was pasted may have lost its armour: base64 alone is told by what is in it. */
function unwrapped(content: Uint8Array): { content: Uint8Array; told: Recognised } {
  const told = sniffMore(content) ?? recognise(content);
  if (told.what !== 'unknown' || content.length > MAX_BASE64) return { content, told };
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString('latin1').replaceAll(/\s+/g, '');
  if (text.length < 16 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return { content, told };
  const inside = Buffer.from(text, 'base64');
  const found = sniffMore(inside) ?? recognise(inside);
  return NOTHING.has(found.what) ? { content, told } : { content: inside, told: { ...found, detail: `${found.detail} It stands in the file as base64.` } };
}

/** What is told of a part that could not be read; why stands among the problems. */
function bare({ what, detail }: { what: string; detail: string }): Item {
  return { kind: what, title: what, detail, findings: [{ level: 'broken', code: 'unreadable', detail: 'It cannot be read.', remedy: 'Get the file anew: this one is damaged, or of a kind that is not handled.' }] };
}

async function describeBlock(block: PemBlock, parent: number | null, place: string, inspecting: Inspecting): Promise<void> {
  const { label, content, headers } = block;
  const source = writtenAgain(block);
  const { what, detail } = recognise(source);
  // Keys are read from the block as it was, with its encryption headers; all else from its bytes.
  const isKey = PRIVATE.has(what) && !(what === 'pkcs12') && !(what === 'pkcs8-encrypted' && headers.size === 0);
  if (isKey) return describeKeyFile(what, detail, source, parent, place, inspecting.tree, inspecting.passphrase, inspecting.signal);
  if (what === 'certificate' && label === 'TRUSTED CERTIFICATE') return void describeCertificate(content, parent, place, inspecting.tree);
  return describe(what, detail, content, parent, place, inspecting);
}

function writtenAgain({ label, content, headers }: PemBlock): Buffer {
  const lines = [...headers].map(([name, value]) => `${name === 'dek-info' ? 'DEK-Info' : name === 'proc-type' ? 'Proc-Type' : name}: ${value}`);
  return Buffer.from(`-----BEGIN ${label}-----\n${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${content.toString('base64').replaceAll(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`);
}

async function describe(what: string, detail: string, content: Uint8Array, parent: number | null, where: string | null, { tree, passphrase, signal }: Inspecting): Promise<void> {
  if (what === 'jwk' || what === 'jwk-set') return describeJwks(what, detail, content, parent, where, tree);
  if (PRIVATE.has(what)) return describeKeyFile(what, detail, content, parent, where, tree, passphrase, signal);
  if (PUBLIC.has(what)) return describePublicKey(what, detail, content, parent, where, tree);
  if (LINES.has(what)) return describeSshLines(what, detail, content, parent, where, tree);
  switch (what) {
    case 'certificate': return void describeCertificate(content, parent, where, tree);
    case 'certificate-request': return describeRequest(content, parent, where, tree);
    case 'crl': return describeCrl(content, parent, where, tree);
    case 'ocsp-request': case 'ocsp-response': return describeOcsp(what, content, parent, tree);
    case 'timestamp-response': return describeTimestamp(content, parent, tree);
    case 'cms': return describeCms(detail, content, parent, where, tree);
    case 'smime': return describeCms(detail, openEncoding(content).cms, parent, where, tree);
    case 'sshsig': return describeSshsig(detail, content, parent, where, tree);
    case 'minisign': return describeMinisign(content, parent, tree, () => describePublicKey('minisign', 'A public key of minisign or signify.', content, parent, where, tree));
    case 'jws': case 'dsse': return what === 'jws' ? describeJws(detail, content, parent, tree) : void tree.add(parent, { kind: 'dsse', title: 'DSSE', detail, actions: ['files.verify'] });
    case 'jwe': return describeJwe(detail, content, parent, tree);
    case 'cose': return describeCose(content, parent, tree);
    case 'pdf': return describePdf(content, parent, tree);
    case 'jar': return describeArchive(content, parent, tree, signal);
    case 'asic': return describeContainer(content, parent, tree, signal);
    case 'xml': return describeXml(content, parent, tree);
    case 'age': return describeAge(content, parent, tree);
    case 'tss2': return describeTss2(content, parent, where, tree);
    case 'openpgp': return describeOpenpgp(detail, content, parent, tree);
    default:
      // DER that was cut off is nothing that is known any more: where it ends is said.
      if (what === 'unknown' && content[0] === 0x30 && (content[1] ?? 0) >= 0x80) new DerReader(content).enter('the structure of ASN.1 with which it begins');
      tree.add(parent, { kind: what, title: what, detail, where });
  }
}
