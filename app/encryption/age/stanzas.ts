import type { Stanza } from './header.ts';

/** Who can open a file. Each makes one stanza, or several, of the file key (16 bytes). */
export interface Recipient {
  /** "age1…", "ssh-ed25519 …", "a passphrase": for errors and answers. */
  readonly name: string;
  /** A passphrase is alone, so that nobody is led to believe that others sent the file (age specification, "scrypt"). */
  readonly alone?: true;
  /** Post-quantum recipients are not mixed with others, whose break would open the file. */
  readonly postQuantum?: true;
  wrap(fileKey: Uint8Array): Stanza | Promise<Stanza>;
}

/** Whoever may be able to open one. */
export interface Identity {
  readonly name: string;
  /** @returns the file key (16 bytes), or undefined when no stanza is for it. @throws INVALID_INPUT for a stanza of its kind that is malformed */
  unwrap(stanzas: readonly Stanza[]): Promise<Uint8Array | undefined>;
}
