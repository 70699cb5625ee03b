import { z } from 'zod';

/** Signature formats: `raw` is the bare signature, each other one is its standard's. */
export const SignatureFormat = z.enum(['raw', 'sshsig', 'minisign', 'signify', 'jws', 'jwt', 'dsse', 'cose', 'cms', 'timestamp', 'openpgp', 'jar', 'pdf', 'xml', 'asic']);
export type SignatureFormatName = z.output<typeof SignatureFormat>;
/** Ways to write a signature; `files.formats` tells which format has which. */
export const SignatureForm = z.enum(['binary', 'base64', 'compact', 'json', 'der', 'pem', 'smime', 'armor', 'clear']);
export type SignatureFormName = z.output<typeof SignatureForm>;
/** How far a call over files is. */
export const FileProgress = z.strictObject({ file: z.string(), index: z.int(), files: z.int(), bytes: z.int(), totalBytes: z.int() });
