import { contextTag, DerReader, der, TAG } from '../../formats/der.ts';

/** For tests: files of DER, spoiled at every depth and well-formed above it, so that readers get as far as the fault. */

type Chance = (below: number) => number;
interface Node { tag: number; content: Buffer; children: (Node | Buffer)[] | undefined; readonly bits: boolean }

const MAX_DEPTH = 40;

/** @returns the elements of `bytes`, also within octet and bit strings; undefined where it is no DER. */
function parse(bytes: Buffer, depth = 0): Node[] | undefined {
  const reader = new DerReader(bytes);
  const nodes: Node[] = [];
  try {
    while (!reader.atEnd) {
      const element = reader.next('an element');
      const content = Buffer.from(reader.content(element));
      const bits = element.tag === TAG.bitString && content.length > 3 && content[0] === 0;
      const inside = depth === MAX_DEPTH ? undefined : (element.tag & 0x20) !== 0 || (element.tag === TAG.octetString && content.length > 2) ? parse(content, depth + 1) : bits ? parse(content.subarray(1), depth + 1) : undefined;
      nodes.push({ tag: element.tag, content, children: inside, bits });
    }
  } catch {
    return undefined;
  }
  return nodes;
}

const contentOf = (node: Node): Buffer => (node.children === undefined ? node.content : Buffer.concat([...(node.bits ? [Buffer.of(0)] : []), ...node.children.map(encode)]));
const encode = (node: Node | Buffer): Buffer => (Buffer.isBuffer(node) ? node : der(node.tag, contentOf(node)));

function places(list: (Node | Buffer)[], found: [(Node | Buffer)[], number][] = []): [(Node | Buffer)[], number][] {
  list.forEach((node, index) => {
    found.push([list, index]);
    if (!Buffer.isBuffer(node) && node.children !== undefined) places(node.children, found);
  });
  return found;
}

const TEXTS = ['\u202Egnp.exe', '\u2066a\u2069', 'a\0b', '\uFEFF', 'x'.repeat(5000), '\r\nTrusted: yes'].map((text) => Buffer.from(text));
const NO_UTF8 = Buffer.of(0xff, 0xfe, 0xc3, 0x28, 0xa0);
const TAGS = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x1e, 0x1f, 0x24, 0x30, 0x31, 0x80, 0xa0, 0xa3, 0xff];

function deep(chance: Chance): Buffer {
  let made: Buffer = Buffer.of(TAG.null, 0);
  for (let level = [20, 500, 4000][chance(3)]!; level > 0; level--) made = der([TAG.sequence, TAG.set, contextTag(0)][chance(3)]!, made);
  return made;
}

/** What may become of an element. Each gives bytes to stand in its place, or the element changed. */
const SPOILING: readonly ((node: Node, chance: Chance) => Node | Buffer)[] = [
  (node) => Buffer.concat([Buffer.of(node.tag, 0x80), contentOf(node), Buffer.alloc(2)]),
  (node) => Buffer.concat([Buffer.of(node.tag, 0x84, 0xff, 0xff, 0xff, 0xff), contentOf(node)]),
  (node) => Buffer.concat([Buffer.of(node.tag, 0x88), Buffer.alloc(8, 0x7f), contentOf(node)]),
  (node) => Buffer.concat([Buffer.of(node.tag, 0x82), Buffer.from([0, contentOf(node).length & 0x7f]), contentOf(node)]),
  (node, chance) => encode(node).subarray(0, 1 + chance(encode(node).length)),
  (node, chance) => Buffer.concat(Array.from({ length: [2, 3, 50, 500][chance(encode(node).length < 200 ? 4 : 2)]! }, () => encode(node))),
  () => Buffer.alloc(0),
  (node, chance) => ({ ...node, tag: TAGS[chance(TAGS.length)]! }),
  (node, chance) => ({ ...node, tag: [0x0c, 0x13, 0x16, 0x1e, node.tag][chance(5)]!, content: TEXTS[chance(TEXTS.length)]!, children: undefined }),
  (node) => ({ ...node, tag: 0x0c, content: NO_UTF8, children: undefined }),
  (node, chance) => ({ ...node, content: Buffer.from(Array.from({ length: [0, 1, 2, 20, 500][chance(5)]! }, () => chance(256))), children: undefined }),
  (_node, chance) => deep(chance),
  () => der(TAG.integer, Buffer.alloc(4000, 0x7f)),
  () => der(TAG.oid, Buffer.concat([Buffer.alloc(59, 0xff), Buffer.of(1)])),
  () => der(TAG.sequence),
];

/** @returns a file like `bytes`, with one to three of its elements spoiled, or cut short, or with more behind it. */
export function mutantOf(bytes: Uint8Array, chance: Chance): Buffer {
  const tree: (Node | Buffer)[] | undefined = parse(Buffer.from(bytes));
  if (tree === undefined || chance(10) === 0) {
    const flipped = Buffer.from(bytes);
    for (let count = 1 + chance(4); count > 0; count--) flipped[chance(flipped.length)] = chance(256);
    return flipped;
  }
  for (let count = 1 + Math.max(0, chance(5) - 2); count > 0; count--) {
    const all = places(tree);
    const [list, index] = all[chance(all.length)]!;
    const node = list[index]!;
    if (!Buffer.isBuffer(node)) list[index] = SPOILING[chance(SPOILING.length)]!(node, chance);
  }
  const made = Buffer.concat(tree.map(encode));
  if (made.length > 1 && chance(12) === 0) return made.subarray(0, 1 + chance(made.length - 1));
  return chance(25) === 0 ? Buffer.concat([made, Buffer.from(Array.from({ length: 1 + chance(20) }, () => chance(256)))]) : made;
}
