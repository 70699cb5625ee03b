/** Reading and writing key files. What others need of it; the rest of the folder is its own affair. */
export { ecdsaDerToP1363, ecdsaP1363ToDer } from './ecdsa.ts';
export { materialOfPkcs8, publicOfPkcs8 } from './material.ts';
export { decryptPkcs8, encryptPkcs8 } from './pbes.ts';
export { algorithmOfPkcs8 } from './private-parts.ts';
export { publicFormatsOf, readPublicKey, writePublicKey } from './public.ts';
export { MAX_KEY_FILE, readKeys } from './read.ts';
export { recognise, RECOGNISED_KINDS } from './recognise.ts';
export { algorithmOfSpki, fingerprint } from './spki.ts';
export { symmetricMaterial } from './symmetric.ts';
export type { KeyFileFormat, PublicKeyFormat, ReadKey, ReadKeysOptions, Recognised, WriteKeyOptions } from './types.ts';
export { keyFormatsOf, writeKey } from './write.ts';
