import type { EncryptionAlgorithmName, KeyAlgorithmName, SignatureAlgorithmName, Usage } from '../../contract/index.ts';

/** What the core and the worker of a module say to each other, beside the objects of `module/objects.ts`. Bytes are base64url, handles hex; a secret that is null is entered on keys of the token's own. */

export interface ModuleFacts {
  readonly library: string;
  readonly manufacturer: string;
  readonly version: string;
  readonly cryptoki: string;
}

interface TokenFlags {
  readonly loginRequired: boolean;
  readonly rng: boolean;
  readonly writeProtected: boolean;
  readonly initialised: boolean;
  readonly pinpad: boolean;
  readonly userPin: PinFlags & { readonly set: boolean };
  readonly soPin: PinFlags;
}
export interface PinFlags {
  readonly countLow: boolean;
  readonly finalTry: boolean;
  readonly locked: boolean;
  readonly toBeChanged: boolean;
}

export interface SlotToken {
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  readonly firmware: string;
  readonly flags: TokenFlags;
  readonly minPin: number;
  readonly maxPin: number;
}

export interface SlotState {
  readonly slot: string;
  readonly description: string;
  readonly removable: boolean;
  readonly hardware: boolean;
  readonly token: SlotToken | null;
}

export interface MechanismFacts {
  readonly code: number;
  readonly name: string;
  readonly minimum: number;
  readonly maximum: number;
  readonly flags: number;
}

/** Names a key by what is written on it: handles do not outlive a session. */
export interface KeySelector {
  readonly kind: 'private' | 'secret-key';
  readonly id: string;
  readonly label: string;
}

interface InSlot { readonly slot: string }
interface OfKey extends InSlot { readonly key: KeySelector; /** For one that asks for its PIN before each use (CKA_ALWAYS_AUTHENTICATE). */ readonly secret?: string | null }

/** By method: what goes in. */
export interface Inputs {
  'slots.list': Record<string, never>;
  'slots.forget': InSlot;
  'token.mechanisms': InSlot;
  'token.objects': InSlot;
  'token.login': InSlot & { user: 'user' | 'so'; secret: string | null };
  'token.logout': InSlot;
  'token.initialize': InSlot & { label: string; secret: string | null };
  /** As the security officer, who is logged in. */
  'token.init-pin': InSlot & { newSecret: string | null };
  /** Of whoever is logged in; of the user when nobody is. */
  'token.set-pin': InSlot & { secret: string | null; newSecret: string | null };
  'keys.generate': InSlot & { algorithm: KeyAlgorithmName; id: string; label: string; usages: readonly Usage[]; extractable: boolean };
  'keys.import': InSlot & { algorithm: KeyAlgorithmName; id: string; label: string; usages: readonly Usage[]; extractable: boolean; material: string };
  'keys.export': OfKey & { algorithm: KeyAlgorithmName };
  'keys.remove': InSlot & { key: KeySelector };
  'keys.sign': OfKey & { keyAlgorithm: KeyAlgorithmName; algorithm: SignatureAlgorithmName; /** The digest, or for pure schemes the message. */ data: string };
  'keys.decrypt-rsa': OfKey & { bits: number; padding: 'oaep' | 'pkcs1' | 'oaep-unwrap'; hash: 'sha1' | 'sha256' | 'sha384' | 'sha512'; data: string };
  'keys.encrypt': OfKey & { algorithm: EncryptionAlgorithmName; plaintext: string; aad?: string };
  'keys.decrypt': OfKey & { algorithm: EncryptionAlgorithmName; ciphertext: string; nonce: string; tag?: string; aad?: string };
  'keys.wrap': OfKey & { algorithm: 'aes-kw' | 'aes-kwp'; material: string };
  'keys.unwrap': OfKey & { algorithm: 'aes-kw' | 'aes-kwp'; wrapped: string };
  'keys.agree': OfKey & { keyAlgorithm: KeyAlgorithmName; point: string };
  'keys.mac': OfKey & { keyAlgorithm: KeyAlgorithmName; data: string };
  'random': InSlot & { length: number };
  'certificates.put': InSlot & { id: string; label: string; der: string };
  'certificates.delete': InSlot & { id: string };
}
export type MethodName = keyof Inputs;
