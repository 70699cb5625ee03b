import { z } from 'zod';

/** Largest message that travels inside a request; larger ones are files. */
export const MAX_INLINE_MESSAGE = 16 * 1024 * 1024;

/**
 * Bytes of at most `max`, base64url without padding in JSON (RFC 4648 §5), a `Uint8Array` inside.
 * The bound is on the wire side, where the generated schema keeps it. Refuses non-canonical encodings.
 */
export function boundedBytes(max: number) {
  return z.codec(
    z.string().max(Math.ceil((max * 4) / 3)).regex(/^[A-Za-z0-9_-]*$/, 'must be base64url without padding'),
    z.custom<Uint8Array>((value) => value instanceof Uint8Array),
    {
      decode: (text, context) => {
        const bytes = Buffer.from(text, 'base64url');
        if (bytes.length > max || bytes.toString('base64url') !== text) {
          context.issues.push({ code: 'custom', input: text, message: `must be canonical base64url of at most ${max} bytes` });
          return z.NEVER;
        }
        return bytes;
      },
      encode: encodeBytes,
    },
  );
}

/** Any bytes that fit into one message. */
export const Bytes = boundedBytes(MAX_INLINE_MESSAGE + 64 * 1024);

/** @returns base64url without padding (RFC 4648 §5). */
export function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
