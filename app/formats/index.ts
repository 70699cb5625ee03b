/** Reading and writing key files. What others need of it; the rest of the folder is its own affair. */
export { ecdsaDerToP1363, ecdsaP1363ToDer } from './ecdsa.ts';
export { JWE_ROUNDS } from './jwe.ts';
export { DEFAULT_LIMITS, limitsFrom } from './limits.ts';
export { lacksSeed, materialOfPkcs8, publicOfPkcs8 } from './material.ts';
export { decryptPkcs8, encryptPkcs8 } from './pbes.ts';
export { algorithmOfPkcs8 } from './private-parts.ts';
export { PUBLIC_KEY_FORMATS, publicFormatsOf, publicJwkOf, readPublicKey, whyNotPublic, writePublicKey } from './public.ts';
export { readPkcs7, writePkcs7 } from './pkcs7.ts';
export { writePkcs12 } from './pkcs12-write.ts';
export { MAX_KEY_FILE, readContents, readKeys } from './read.ts';
export { recognise, RECOGNISED_KINDS } from './recognise.ts';
export { algorithmOfSpki, fingerprint } from './spki.ts';
export { symmetricMaterial } from './symmetric.ts';
export type { FileContents, FoundCertificate, KeyFileFormat, PublicKeyFormat, ReadKey, ReadKeysOptions, Recognised, WriteKeyOptions } from './types.ts';
export { KEY_FILE_FORMATS } from './types.ts';
export { CAN_ENCRYPT, checkWritable, FORMAT_NAMES, keyFormatsOf, MUST_ENCRYPT, whyNot, writeKey } from './write.ts';
