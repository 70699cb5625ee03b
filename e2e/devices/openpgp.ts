import { StatusWord, SW, type Command } from './apdu.ts';

/**
 * As much of an OpenPGP card (functional specification 3.4) as counts tries: it shares instructions and the reference 81 with the applications
 * beside it, and takes their PINs and PUKs for its own where it is sent them.
 */
export class OpenPgpApplication {
  static readonly aid = 'd27600012401';
  /** PW1 (81, 82) and PW3 (83). */
  readonly #passwords = [{ references: [0x81, 0x82], value: Buffer.from('864209'), left: MOST_TRIES }, { references: [0x83], value: Buffer.from('86420975'), left: MOST_TRIES }] as const;
  readonly #verified = new Set<number>();

  /** How many tries were taken from its owner. */
  get spent(): number {
    return this.#passwords.reduce((sum, { left }) => sum + MOST_TRIES - left, 0);
  }

  deselected(): void {
    this.#verified.clear();
  }

  run({ cla, ins, p1, p2, data }: Command): Buffer {
    if (cla !== 0) throw new StatusWord(SW.class);
    if (ins === 0x20) return this.#verify(p1, p2, data);
    if (ins === 0x24) return this.#old(p1 === 0 ? p2 : 0, data);
    // With a reset code, which it has none of; or after PW3.
    if (ins === 0x2c) throw new StatusWord(p2 === 0x81 ? SW.securityStatus : SW.wrongP1P2);
    if (ins === 0xca) throw new StatusWord(SW.referenceNotFound);
    if (ins === 0x47 || ins === 0xdb) throw new StatusWord(SW.securityStatus);
    throw new StatusWord(SW.instruction);
  }

  #verify(p1: number, p2: number, data: Buffer): Buffer {
    const { left } = this.#password(p1 === 0 ? p2 : 0);
    if (data.length > 0) {
      this.#old(p2, data);
      this.#verified.add(p2);
    } else if (!this.#verified.has(p2)) throw new StatusWord(0x63c0 | left);
    return Buffer.alloc(0);
  }

  #old(reference: number, data: Buffer): Buffer {
    const password = this.#password(reference);
    if (password.left === 0) throw new StatusWord(SW.blocked);
    if (!data.subarray(0, password.value.length).equals(password.value)) {
      password.left -= 1;
      throw new StatusWord(SW.securityStatus);
    }
    password.left = MOST_TRIES;
    return Buffer.alloc(0);
  }

  #password(reference: number): { readonly value: Buffer; left: number } {
    const found = this.#passwords.find(({ references }) => (references as readonly number[]).includes(reference));
    if (found === undefined) throw new StatusWord(SW.wrongP1P2);
    return found;
  }
}

const MOST_TRIES = 3;
