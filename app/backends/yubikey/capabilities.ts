import type { Capability } from '../../contract/index.ts';
import { ALGORITHM_REFERENCES, type PivAlgorithm } from './piv.ts';

export const CAPABILITIES: readonly Capability[] = ['sign', 'verify', 'encrypt', 'decrypt', 'wrap', 'unwrap', 'agree', 'generate', 'import'];

/** What the newest firmware has. */
export const YUBIKEY_CAPABILITIES = { algorithms: Object.keys(ALGORITHM_REFERENCES) as PivAlgorithm[], capabilities: CAPABILITIES };
