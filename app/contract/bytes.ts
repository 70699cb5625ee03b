import { z, type ZodType } from 'zod';

/** Largest message that travels inside a request; larger ones are files. */
export const MAX_INLINE_MESSAGE = 16 * 1024 * 1024;

/**
 * Bytes of at most `max`, base64url without padding in JSON (RFC 4648 §5), a `Uint8Array` inside.
 * The bound is on the wire side, where the generated schema keeps it. Refuses non-canonical encodings.
 */
export function boundedBytes(max: number) {
  const decode = (text: string, context: { issues: { push(issue: { code: 'custom'; input: string; message: string }): unknown } }): Uint8Array => {
    const bytes = bytesIn(text, max);
    if (bytes !== undefined) return bytes;
    context.issues.push({ code: 'custom', input: text, message: `must be canonical base64url of at most ${max} bytes` });
    return z.NEVER;
  };
  bounds.set(decode, max);
  return z.codec(
    z.string().max(Math.ceil((max * 4) / 3)).regex(/^[A-Za-z0-9_-]*$/, 'must be base64url without padding'),
    z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    { decode, encode: encodeBytes },
  );
}

/** The bound of each schema of bytes, by what it decodes with: a copy of the schema has the same. */
const bounds = new WeakMap<object, number>();

/** @returns how many bytes at most, for a schema that {@link boundedBytes} made. */
export function boundOf(schema: ZodType): number | undefined {
  const { transform } = schema._zod.def as { readonly transform?: object };
  return transform === undefined ? undefined : bounds.get(transform);
}

const DIGITS = /^[A-Za-z0-9_-]*$/;

/** @returns the bytes of canonical base64url without padding (RFC 4648 §3.5, §5); undefined for any other text, or more than `max` bytes. */
export function bytesIn(text: string, max: number): Uint8Array | undefined {
  const rest = text.length % 4;
  if (rest === 1 || !DIGITS.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.length > max) return undefined;
  // What the last digit says beyond the last byte must be zero: then it is the digit that encoding gives.
  return rest === 0 || bytes.toString('base64url', bytes.length - (bytes.length % 3)) === text.slice(-rest) ? bytes : undefined;
}

/** Any bytes that fit into one message. */
export const Bytes = boundedBytes(MAX_INLINE_MESSAGE + 64 * 1024);

/** @returns base64url without padding (RFC 4648 §5). */
export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
