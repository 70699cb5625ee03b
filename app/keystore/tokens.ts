import type { Call, PinPolicy, TOKEN_ACTION_NAMES, TouchPolicy } from '../contract/index.ts';
import type { KeyCall, KeyDescription, KeyStore } from './keystore.ts';
import type { Finding } from './registry.ts';

/**
 * Tokens that come and go. A backend whose keys are in tokens gives a {@link TokenSource}; each token has a key store of its
 * own, whose name is the token's id, and the management verbs that it can do. What it cannot do it says in `actions`.
 *
 * Secrets are never parameters: a verb that needs a PIN, PUK, SO PIN or management key asks for it through `call.prompt`, by
 * the rules of `pins.ts`.
 */

/** What can be asked of a token. */
export type TokenAction = (typeof TOKEN_ACTION_NAMES)[number];

/** Known as soon as the token is recognised, without asking it anything more. */
export interface TokenFacts {
  /** `yubikey-12345678`: instance and serial in lower case; the same in any reader and after each insertion. */
  readonly id: string;
  /** "YubiKey 5C NFC" */
  readonly model: string;
  /** As the token's maker prints it; null when it has none. */
  readonly serial: string | null;
  readonly firmware: string | null;
  readonly manufacturer: string | null;
  /** What is written on the token's own label (PKCS#11); null when there is none. */
  readonly label: string | null;
  /** Name of the reader or slot that it is in. */
  readonly reader: string;
  /** What it looks like, for its sketch. */
  readonly form: 'usb-a' | 'usb-c' | 'nano' | 'card' | 'hsm' | 'other';
  /** Not set up: it has no name and no keys yet, so that it is not remembered once it is another. */
  readonly blank?: true;
}

/** One secret of the token (PIN, PUK, SO PIN, management key) as it stands, asked without spending a try. */
export interface TokenSecretStatus {
  readonly kind: 'pin' | 'puk' | 'so-pin' | 'management-key';
  readonly state: 'set' | 'default' | 'not-set' | 'blocked' | 'unknown';
  /** null: the token does not tell. */
  readonly triesLeft: number | null;
  readonly triesAtMost: number | null;
  /** "AES-192, protected by the PIN"; "last try" */
  readonly note: string | null;
}

export interface TokenStatus {
  readonly initialised: boolean;
  readonly secrets: readonly TokenSecretStatus[];
  /** What a person should know or do: default PIN in use, PIN blocked, no CHUID … */
  readonly findings: readonly Finding[];
  /** More facts in words, in the order to show: "Form factor", "DKEK key check value". */
  readonly details: readonly { readonly name: string; readonly value: string }[];
}

/** A place for one key (PIV), or one key with what belongs to it (PKCS#11). */
export interface TokenSlot {
  /** `9c`; PKCS#11: CKA_ID in hex. Unique in the token. */
  readonly slot: string;
  readonly title: string;
  /** `unknown`: the token does not tell whether there is a key. */
  readonly state: 'empty' | 'key' | 'unknown' | 'certificate-only' | 'unsupported';
  /** The key's id in the token's store, when it is one that the store lists. */
  readonly key: string | null;
  /** In words, for what the store cannot name: "RSA 1536", "DES3". */
  readonly note: string | null;
  /** X.509, DER; null when there is none. */
  readonly certificate: Uint8Array | null;
  /** null: there is no key in it that could have one. */
  readonly pinPolicy: PinPolicy | null;
  readonly touchPolicy: TouchPolicy | null;
  readonly madeOnDevice: boolean | null;
}

export interface TokenContents {
  /** False: there may be keys that are not listed (private objects before login, old firmware). A key that is known and not listed is then kept. */
  readonly complete: boolean;
  readonly slots: readonly TokenSlot[];
  readonly keys: readonly KeyDescription[];
}

export interface Attestation {
  /** Whether every signature up to a root that we know holds and the certificate is for this key. */
  readonly verified: boolean;
  /** "Made in this YubiKey, firmware 5.7.1, serial 12345678. PIN: once. Touch: always." A sentence each. */
  readonly statements: readonly string[];
  /** Why it does not hold; empty when it does. */
  readonly problems: readonly string[];
  /** DER, the key's own first, then up to the root: X.509, or CVC for a SmartCard-HSM. */
  readonly chain: readonly Uint8Array[];
  readonly chainFormat: 'x509' | 'cvc';
}

export interface ActionState {
  readonly action: TokenAction;
  readonly available: boolean;
  /** Why not: "Keys can be moved from firmware 5.7 on; this one has 5.4.3." */
  readonly reason: string | null;
}

export interface InitializeToken {
  readonly label?: string;
  /** SmartCard-HSM: number of DKEK shares (0: wrapping off is not 0 but absent). */
  readonly dkekShares?: number;
  /** Tries that the user PIN has. */
  readonly pinRetries?: number;
  /** SmartCard-HSM: whether the SO PIN may reset the retry counter or the PIN itself. */
  readonly allowPinReset?: boolean;
}

/** The verbs. One that is absent is not available and has its reason in `actions`. All @throws what `pins.ts` does, TOKEN_REMOVED, CAPABILITY_MISSING. */
export interface TokenManagement {
  initialize?(request: InitializeToken, call: KeyCall): Promise<void>;
  changePin?(call: KeyCall): Promise<void>;
  changeSoPin?(call: KeyCall): Promise<void>;
  /** Sets a new PIN with the PUK or SO PIN. */
  unblockPin?(call: KeyCall): Promise<void>;
  changePuk?(call: KeyCall): Promise<void>;
  setManagementKey?(request: { readonly algorithm?: '3des' | 'aes-128' | 'aes-192' | 'aes-256'; /** Random, and kept in the token behind the PIN. */ readonly protect: boolean; readonly touch: boolean }, call: KeyCall): Promise<void>;
  /** Resets PIN and PUK to their defaults, then asks for new ones at once. */
  setRetries?(request: { readonly pin: number; readonly puk: number }, call: KeyCall): Promise<void>;
  /** Destroys every key in the token (or in its application), behind a typed confirmation. */
  reset?(call: KeyCall): Promise<void>;
  /** PIV: writes CHUID and CCC, without which some systems do not see the card. */
  setIdentifiers?(call: KeyCall): Promise<void>;
  moveKey?(request: { readonly from: string; readonly to: string }, call: KeyCall): Promise<KeyDescription>;
  /** @param label what people call the key here, for prompts; likewise below. */
  deleteKey?(slot: string, call: KeyCall, label?: string): Promise<void>;
  attest?(slot: string, call: KeyCall): Promise<Attestation>;
  /** @param certificate X.509, DER. @throws INVALID_INPUT with both fingerprints when it does not fit the slot's key. */
  putCertificate?(slot: string, certificate: Uint8Array, call: KeyCall, label?: string): Promise<void>;
  deleteCertificate?(slot: string, call: KeyCall, label?: string): Promise<void>;
  /** @returns the share as a file (`sc-hsm-tool`'s form), for the password or password shares that were asked for. */
  createDkekShare?(request: { readonly passwordShares?: { readonly threshold: number; readonly total: number } }, call: KeyCall): Promise<{ readonly file: Uint8Array; readonly keyCheckValue: string | null }>;
  importDkekShare?(file: Uint8Array, request: { readonly passwordShares?: number }, call: KeyCall): Promise<{ readonly outstanding: number; readonly keyCheckValue: string | null }>;
  wrapKey?(slot: string, call: KeyCall, label?: string): Promise<Uint8Array>;
  unwrapKey?(request: { readonly slot?: string; readonly wrapped: Uint8Array }, call: KeyCall): Promise<KeyDescription>;
}

export interface Mechanism {
  /** `CKM_ECDSA`, or the number in hex where it has no name. */
  readonly name: string;
  readonly code: number;
  readonly minimumBits: number | null;
  readonly maximumBits: number | null;
  /** `sign`, `verify`, `encrypt`, `generate key pair` … */
  readonly uses: readonly string[];
}

/** One token, from its insertion to its removal. After that every method fails with TOKEN_REMOVED. */
export interface Token {
  readonly facts: TokenFacts;
  /** Its name is `facts.id`. Capabilities are this token's true ones. */
  readonly store: KeyStore;
  readonly actions: readonly ActionState[];
  /** What can be asked for when a key is made; absent: nothing. */
  readonly policies?: { readonly pin: readonly PinPolicy[]; readonly touch: readonly TouchPolicy[] };
  readonly manage: TokenManagement;
  /** PKCS#11 alone: what the token says it can do. */
  mechanisms?(call: Call): Promise<readonly Mechanism[]>;
  status(call: Call): Promise<TokenStatus>;
  /** What is in it, without asking for a PIN. */
  contents(call: Call): Promise<TokenContents>;
}

export type TokenEvent =
  | { readonly type: 'inserted'; readonly token: Token }
  | { readonly type: 'removed'; readonly id: string }
  /** Its contents or facts may have changed: by one of our verbs, or by another program. */
  | { readonly type: 'changed'; readonly id: string }
  /** What `findings` gives has changed: the smart-card service came or went, a card is held by another program. */
  | { readonly type: 'findings' };

/** The tokens of one configured instance. Opening it starts watching; a missing service is a finding, not a failure. */
export interface TokenSource extends AsyncDisposable {
  tokens(): readonly Token[];
  findings(): readonly Finding[];
  /** Resolves once what is plugged in now has been recognised (not read), or there is nothing to wait for. */
  ready(): Promise<void>;
  onChange(listener: (event: TokenEvent) => void): () => void;
}
