import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vite';

/** A sentence as it stands in a source of the core. */
interface SourceSentence {
  readonly path: string;
  /** {@link HOLE} stands for what is filled in. */
  readonly text: string;
  /** The call that it is given to, if any, and the names of the properties that it stands under: `KeywrightError/detail`. */
  readonly within: string;
}

export const HOLE = '\u0000';
/** Of a template with many choices, so many ways to say it. */
const MOST_VARIANTS = 16;

/** What is never in the window: the command line and REST for programs, what describes operations, tests’ own. */
const ELSEWHERE = [
  /\.(?:test|canary)\.ts$/, /(?:^|\/)testing\//, /^app\/cli\//, /^app\/agent\/(?:rest\/(?!files)|openapi|address|authentication|ocsp|browser\/pages)/, /^app\/contract\/(?!ask|errors|prompts)/, /conformance/, /^app\/keychain\/metrics/, /^app\/begin\.ts$/,
];
/** What explains operations, is logged, or is matched. */
const NOT_SAID = /(?:^|\/)(?:describe|meta|log|summary|description|help|RegExp|test|startsWith|endsWith|includes|Error|Buffer\.from|TypeError|prepare|exec)(?:$|\/)|\.(?:describe|log|prepare|exec|addHook|includes|startsWith|test)$/;

/** What makes an error of a file: from which argument on it is what to do about it. */
const REMEDY_FROM: Readonly<Record<string, number>> = { malformed: 1, malformedAt: 2, notSupported: 1 };

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [member: string]: unknown;
}

export const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

/** @returns all that an expression may say, with holes. */
export function textsOf(node: Node): string[] {
  switch (node.type) {
    case 'Literal': return [typeof node['value'] === 'string' ? node['value'] : HOLE];
    case 'ConditionalExpression': return [...textsOf(node['consequent'] as Node), ...textsOf(node['alternate'] as Node)].slice(0, MOST_VARIANTS);
    case 'LogicalExpression': return [...textsOf(node['left'] as Node), ...textsOf(node['right'] as Node)].slice(0, MOST_VARIANTS);
    case 'ParenthesizedExpression': return textsOf(node['expression'] as Node);
    // `${at + 1}` is one number.
    case 'BinaryExpression': return node['operator'] === '+' ? joined([textsOf(node['left'] as Node), textsOf(node['right'] as Node)]).map((text) => (text === HOLE + HOLE ? HOLE : text)) : [HOLE];
    case 'TemplateLiteral': {
      const quasis = (node['quasis'] as { value: { cooked: string } }[]).map(({ value }) => value.cooked);
      const holes = (node['expressions'] as Node[]).map(textsOf);
      return joined(quasis.flatMap((quasi, index) => [[quasi], ...(index < holes.length ? [holes[index] as string[]] : [])]));
    }
    default: return [HOLE];
  }
}

function joined(parts: readonly string[][]): string[] {
  return parts.reduce<string[]>((before, next) => before.flatMap((start) => next.map((end) => start + end)).slice(0, MOST_VARIANTS), ['']);
}

/** Begins as a sentence and ends as one, with words of its own between. */
export function isSentence(text: string): boolean {
  return new RegExp(`^["A-Z“${HOLE}]`).test(text) && new RegExp(`(?:[.!?]|: ${HOLE})$`).test(text) && text.includes(' ') && (text.match(/\p{L}/gu) ?? []).length >= 6 && !/[<>]{1}\w+=|^SELECT|^INSERT/.test(text);
}

function collect(value: unknown, source: string, path: string, within: string, found: SourceSentence[]): void {
  if (Array.isArray(value)) {
    for (const one of value) collect(one, source, path, within, found);
    return;
  }
  if (!isNode(value) || value.type === 'ImportDeclaration' || value.type === 'ThrowStatement' && /throw new (?:Range|Type)?Error\(/.test(source.slice(value.start, value.end))) return;
  if (['Literal', 'TemplateLiteral', 'BinaryExpression'].includes(value.type) && !NOT_SAID.test(within)) found.push(...textsOf(value).filter((text) => isSentence(text) || (within === 'context.note' && text !== HOLE)).map((text) => ({ path, text, within })));
  const callee = value.type === 'CallExpression' || value.type === 'NewExpression' ? (value['callee'] as Node) : undefined;
  const property = value.type === 'Property' ? (value['key'] as { name?: string; value?: string }) : undefined;
  const inner = callee !== undefined ? source.slice(callee.start, callee.end).split('\n', 1)[0] as string : property !== undefined ? `${within}/${property.name ?? property.value ?? ''}` : within;
  for (const [member, child] of Object.entries(value)) {
    if (member === 'type') continue;
    if (member === 'arguments' && inner in REMEDY_FROM) (child as Node[]).forEach((argument, index) => collect(argument, source, path, index < (REMEDY_FROM[inner] as number) ? inner : `${inner}/remedy`, found));
    else collect(child, source, path, inner, found);
  }
}

/** @returns the sources of the core of which something can come into the window. */
export function sourcesOfTheCore(): { path: string; source: string }[] {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const paths = globSync(['app/**/*.ts', 'main/**/*.ts', 'renderer/bridge/*.ts'], { cwd: root }).filter((path) => !ELSEWHERE.some((pattern) => pattern.test(path))).sort();
  return paths.map((path) => ({ path, source: readFileSync(root + path, 'utf8') }));
}

/** @returns every sentence in the sources of the core that can come into the window. */
export function sentencesOfTheCore(): SourceSentence[] {
  return sourcesOfTheCore().flatMap(({ path, source }) => {
    const found: SourceSentence[] = [];
    collect(parseAst(source, { lang: 'ts' }).body, source, path, '', found);
    return found;
  });
}
