/**
 * What a list calls somebody: the first common name that its distinguished name has.
 * @param name a distinguished name as text (RFC 4514).
 * @returns the common name without its escapes, or the whole name where it has none.
 */
export function commonNameIn(name: string): string {
  const own = /(?<=^|(?<!\\)(?:\\\\)*[,+]\s*)CN=((?:\\[0-9a-f]{2}|\\.|[^,+\\])+)/i.exec(name)?.[1];
  if (own === undefined) return name;
  return own.replaceAll(/(?:\\[0-9a-f]{2})+/gi, (bytes) => new TextDecoder().decode(Uint8Array.from(bytes.slice(1).split('\\'), (hex) => Number.parseInt(hex, 16)))).replaceAll(/\\(.)/g, '$1').trim();
}
