/**
 * One flat JSON object (RFC 8259) with comments as in JavaScript and trailing commas, and changes to it that leave
 * everything else as it was written.
 */

interface Member {
  readonly key: string;
  readonly value: unknown;
  /** Where the key begins, and where the value begins and ends. */
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

export interface Document {
  readonly members: readonly Member[];
  /** Where the last value ends, or the opening brace; and where the closing brace stands. */
  readonly end: number;
  readonly brace: number;
  /** A comma stands behind the last value. */
  readonly comma: boolean;
}

export class ConfigSyntaxError extends Error {
  readonly line: number;
  constructor(text: string, offset: number, what: string) {
    const line = text.slice(0, offset).split('\n').length;
    super(`line ${line}: ${what}`);
    this.line = line;
  }
}

/** @throws ConfigSyntaxError */
export function parseDocument(text: string): Document {
  let at = skip(text, text.startsWith('\uFEFF') ? 1 : 0);
  const fail = (what: string): never => {
    throw new ConfigSyntaxError(text, at, what);
  };
  if (text[at] !== '{') fail('expected “{”');
  at += 1;
  const members: Member[] = [];
  let end = at;
  let comma = false;
  for (;;) {
    at = skip(text, at);
    if (text[at] === '}') break;
    if (members.length > 0 && !comma) fail('expected “,” or “}”');
    if (text[at] !== '"') fail('expected a key in quotation marks');
    const begin = at;
    const key = readValue(text, at);
    at = skip(text, key.to);
    if (text[at] !== ':') fail('expected “:”');
    at = skip(text, at + 1);
    if (at >= text.length) fail('expected a value');
    const value = readValue(text, at);
    members.push({ key: String(key.value), value: value.value, at: begin, from: at, to: value.to });
    end = value.to;
    at = skip(text, value.to);
    comma = text[at] === ',';
    if (comma) {
      at += 1;
      end = at;
    }
  }
  const brace = at;
  at = skip(text, at + 1);
  if (at < text.length) fail('there is something behind the last “}”');
  return { members, end, brace, comma };
}

/** @returns the text with one value set; all else stays as it is. @throws ConfigSyntaxError */
export function withValue(text: string, key: string, value: unknown): string {
  if (text.trim() === '') return `{\n  ${JSON.stringify(key)}: ${JSON.stringify(value)}\n}\n`;
  const { members, end, comma } = parseDocument(text);
  // The last of several counts when it is read, so that is the one to change.
  const member = members.findLast((one) => one.key === key);
  if (member !== undefined) return text.slice(0, member.from) + JSON.stringify(value) + text.slice(member.to);
  const behind = text.slice(end);
  const separator = members.length > 0 && !comma ? ',' : '';
  const line = `${separator}\n  ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  // A comment on the same line belongs to what stands before it.
  const comment = separator === '' ? /^[ \t]*(\/\/[^\n]*|\/\*[^\n]*?\*\/[ \t]*(?=\n))/.exec(behind)?.[0] ?? '' : '';
  const rest = behind.slice(comment.length);
  return text.slice(0, end) + comment + line + (/^\s*\}/.test(rest) && !rest.startsWith('\n') && !rest.startsWith('\r') ? '\n' : '') + rest;
}

/** @returns the offset behind white space and comments. */
function skip(text: string, from: number): number {
  const found = /^(?:[ \t\r\n]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/.exec(text.slice(from));
  return from + (found?.[0].length ?? 0);
}

/** Reads a string, number, literal, or a list of those. */
function readValue(text: string, at: number): { value: unknown; to: number } {
  if (text[at] === '[') {
    const list: unknown[] = [];
    let next = skip(text, at + 1);
    while (text[next] !== ']') {
      const item = readValue(text, next);
      list.push(item.value);
      next = skip(text, item.to);
      if (text[next] === ',') next = skip(text, next + 1);
      else if (text[next] !== ']') throw new ConfigSyntaxError(text, next, 'expected “,” or “]”');
    }
    return { value: list, to: next + 1 };
  }
  if (text[at] === '{') throw new ConfigSyntaxError(text, at, 'settings are not nested: write "store.kind", not "store": {"kind": …}');
  const token = /^(?:"(?:[^"\\\n]|\\.)*"|[^\s,:{}[\]"/]+)/.exec(text.slice(at))?.[0];
  if (token === undefined) throw new ConfigSyntaxError(text, at, 'expected a value');
  try {
    return { value: JSON.parse(token), to: at + token.length };
  } catch {
    throw new ConfigSyntaxError(text, at, `“${token.slice(0, 40)}” is no value; texts stand in quotation marks`);
  }
}
