import { parseAst } from 'vite';
import { sourcesOfTheCore, HOLE, isNode, textsOf, type Node } from './sentences-of-the-core.ts';

/** Words that a sentence of the core is filled in with: “the serial number” in “… is negative.” */
export interface SourcePart {
  readonly path: string;
  readonly text: string;
  /** The function that puts it into a sentence. */
  readonly into: string;
}

interface Function {
  readonly name: string;
  /** Their parameters’ names, in order. */
  readonly parameters: readonly (string | undefined)[];
}

interface Place {
  readonly path: string;
  readonly node: Node;
  /** The functions that it stands in, the innermost last. */
  readonly inside: readonly Function[];
}

const nameOf = (node: unknown): string | undefined => (isNode(node) && node.type === 'Identifier' ? (node['name'] as string) : undefined);

function parametersOf(node: Node): (string | undefined)[] {
  return (node['params'] as Node[]).map((parameter) => nameOf(parameter.type === 'AssignmentPattern' ? parameter['left'] : parameter));
}

/** @returns what is called: `reader.next(…)` by the method’s name, since what kind of thing a reader is is not told. */
function calleeOf(node: Node): string | undefined {
  const callee = node['callee'] as Node;
  return callee.type === 'MemberExpression' ? nameOf(callee['property']) ?? privateName(callee['property']) : nameOf(callee);
}

const privateName = (node: unknown): string | undefined => (isNode(node) && node.type === 'PrivateIdentifier' ? `#${node['name'] as string}` : undefined);

/** Words that are kept until they are said: `says: 'it is blocked'`, of a code in a table, and where a fault is. */
const isTable = (node: Node): boolean => /^(?:says|fault|where)$/.test((node.type === 'Property' ? nameOf(node['key']) : node.type === 'VariableDeclarator' && node['init'] !== null ? nameOf(node['id']) : undefined) ?? '');

/** `['the modulus', …].map((name) => …)`: as if what is done with each were a function that is called with each. */
function eachOf(node: Node, path: string): { name: string; elements: readonly Node[] } | undefined {
  const callee = node.type === 'CallExpression' ? (node['callee'] as Node) : undefined;
  const list = callee?.type === 'MemberExpression' && nameOf(callee['property']) === 'map' ? (callee['object'] as Node) : undefined;
  return list?.type === 'ArrayExpression' ? { name: `each of ${path}:${node.start}`, elements: (list['elements'] as unknown[]).filter(isNode) } : undefined;
}

/** Every template, call and entry of a table, with the functions around it. */
function placesIn(value: unknown, path: string, inside: readonly Function[], called: string, found: Place[]): void {
  if (Array.isArray(value)) {
    for (const one of value) placesIn(one, path, inside, called, found);
    return;
  }
  if (!isNode(value)) return;
  const each = eachOf(value, path);
  if (each !== undefined) found.push(...each.elements.map((element) => ({ path, inside, node: { type: 'CallExpression', start: value.start, end: value.end, callee: { type: 'Identifier', name: each.name }, arguments: [element] } })));
  if (value.type === 'TemplateLiteral' || value.type === 'CallExpression' || isTable(value)) found.push({ path, node: value, inside });
  const isFunction = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(value.type);
  const within = isFunction ? [...inside, { name: nameOf(value['id']) ?? called, parameters: parametersOf(value) }] : inside;
  const name = value.type === 'VariableDeclarator' ? nameOf(value['id']) : value.type === 'MethodDefinition' || value.type === 'PropertyDefinition' || value.type === 'Property' ? nameOf(value['key']) ?? privateName(value['key']) : undefined;
  for (const [member, child] of Object.entries(value)) if (member !== 'type') placesIn(child, path, within, each !== undefined && member === 'arguments' ? each.name : (name ?? ''), found);
}

/** @returns which argument of which function an identifier is: `next 0`. */
function argumentOf(identifier: unknown, inside: readonly Function[]): string | undefined {
  const name = nameOf(identifier);
  const around = name === undefined ? undefined : inside.findLast(({ parameters }) => parameters.includes(name));
  return around === undefined || around.name === '' ? undefined : `${around.name} ${around.parameters.indexOf(name)}`;
}

/** @returns all words in the sources of the core that functions are given to put into a sentence. @param isSaid whether a template is one that people read. */
export function partsOfTheCore(isSaid: (path: string, template: Node) => boolean): SourcePart[] {
  const places: Place[] = [];
  for (const { path, source } of sourcesOfTheCore()) placesIn(parseAst(source, { lang: 'ts' }).body, path, [], '', places);
  // Where in a file: in front of what is said to be wrong there.
  const taken = new Set(['within 0', 'malformedAt 0']);
  const take = (expression: unknown, inside: readonly Function[]): boolean => {
    const argument = argumentOf(expression, inside);
    if (argument === undefined || taken.has(argument)) return false;
    taken.add(argument);
    return true;
  };
  for (const { path, node, inside } of places) if (node.type === 'TemplateLiteral' && isSaid(path, node)) for (const expression of node['expressions'] as Node[]) take(expression, inside);
  const calls = places.filter(({ node }) => node.type === 'CallExpression');
  const given = (): { place: Place; argument: Node; into: string }[] => calls.flatMap((place) => (place.node['arguments'] as Node[]).map((argument, index) => ({ place, argument, into: `${calleeOf(place.node)} ${index}` })).filter(({ into }) => taken.has(into)));
  // A function that hands its own argument on to such a function is one too; and so is one that makes a longer name of it.
  for (let more = true; more;) {
    more = false;
    for (const { place, argument } of given()) for (const expression of argument.type === 'TemplateLiteral' ? (argument['expressions'] as Node[]) : [argument]) more = take(expression, place.inside) || more;
  }
  const tables = places.filter(({ node }) => isTable(node)).map((place) => ({ place, argument: (place.node['value'] ?? place.node['init']) as Node, into: 'says' }));
  return [...given(), ...tables].flatMap(({ place: { path }, argument, into }) => textsOf(argument).filter((text) => text !== HOLE && /\p{L}{2}/u.test(text)).map((text) => ({ path, text, into })));
}
