import type { ConvertFormatName, InspectedItem, KeyAlgorithmName, SignatureFormatName } from '../../contract/index.ts';

/** What an inspector finds, before anybody has asked the store what can be done about it. */

type Told = InspectedItem['findings'][number];

/** What would mend it, whatever is held here. */
export type Hint =
  /** The file anew in this form, with a passphrase where it can have one. */
  | { readonly kind: 'convert' | 'protect'; readonly format: ConvertFormatName }
  | { readonly kind: 'import' }
  /** Another key in place of the item's own. */
  | { readonly kind: 'new-key' }
  /** The item's certificate anew, by whoever issued it. */
  | { readonly kind: 'renew' }
  /** Opened, and encrypted anew for the same. */
  | { readonly kind: 'reencrypt'; readonly recipients: readonly CmsRecipient[]; readonly passphrase: boolean }
  /** What was signed, signed anew by the same key. `spki`: SubjectPublicKeyInfo, DER. */
  | { readonly kind: 'sign'; readonly format: SignatureFormatName; readonly spki: Uint8Array | undefined };

/** Whom a CMS message is for: by issuer (DER of the name) and serial number (hex), or by key identifier (hex). */
export type CmsRecipient = { readonly issuer: Uint8Array; readonly serial: string } | { readonly keyId: string };

export interface Finding extends Omit<Told, 'mendedBy'> {
  /** The best first. */
  readonly mend?: readonly Hint[];
}

/** A thing in a file, as the inspector collects it. */
export interface Draft extends Omit<InspectedItem, 'findings'> {
  readonly findings: Finding[];
  /** Of the key that it is or names: `SHA256:` and hex. */
  readonly publicKey: string | null;
  readonly algorithm: KeyAlgorithmName | null;
  /** Id of the certificate that it is. */
  readonly certificate: string | null;
}
