import type { Certificate } from '../reading/certificate.ts';
import type { RevocationList } from '../reading/crl.ts';
import type { PublicKeyInfo } from '../signatures.ts';

/** What one verdict may cost. Whoever wrote the certificates chooses how many there are and how they are tied together; nobody chooses how long we think about them. */

interface WorkLimits {
  /** Signature checks, in those of a P-256 key; larger keys count for more. */
  readonly signatures: number;
  /** Issuers that are looked at. */
  readonly steps: number;
  /** Names that are compared with name constraints. */
  readonly comparisons: number;
}

export const WORK_LIMITS: WorkLimits = { signatures: 4000, steps: 250_000, comparisons: 1_000_000 };

/** What one verdict has spent of its limits. A signature that was checked once is not checked, nor counted, again. */
export class Work {
  #signatures: number;
  #steps: number;
  #comparisons: number;
  #exceeded: keyof WorkLimits | undefined;
  readonly #signed = new Map<string, boolean>();

  constructor(limits: WorkLimits = WORK_LIMITS) {
    this.#signatures = limits.signatures;
    this.#steps = limits.steps;
    this.#comparisons = limits.comparisons;
  }

  /** Which limit was reached, if any: then nothing that was not found is known not to exist. */
  get exceeded(): keyof WorkLimits | undefined { return this.#exceeded; }
  /** Whether there is nothing left of what a search needs. */
  get spent(): boolean { return this.#signatures <= 0 || this.#steps <= 0; }

  /** Ends the search here: it is not known what else there is. */
  giveUp(): 'stop' {
    this.#exceeded ??= this.#signatures <= 0 ? 'signatures' : 'steps';
    this.#steps = 0;
    return 'stop';
  }

  /** Takes one step. @returns false when there are none left */
  step(): boolean {
    this.#steps -= 1;
    if (this.#steps <= 0) this.#exceeded ??= 'steps';
    return this.#steps > 0;
  }

  /** Takes `count` comparisons. @returns false when there are not so many left */
  compare(count: number): boolean {
    this.#comparisons -= count;
    if (this.#comparisons <= 0) this.#exceeded ??= 'comparisons';
    return this.#comparisons > 0;
  }

  /** @returns whether the key of `issuer` signed a certificate or list, looked at once for each pair; false also when there are no checks left. */
  signed(what: Certificate | RevocationList, issuer: Certificate): boolean {
    const pair = `${what.id}${issuer.publicKeyId}`;
    let known = this.#signed.get(pair);
    if (known === undefined) {
      if (this.#signatures <= 0) {
        this.#exceeded ??= 'signatures';
        return false;
      }
      this.#signatures -= costOf(issuer.key);
      known = 'serial' in what ? what.isSignedBy(issuer) : what.isSignedBy(issuer.key);
      this.#signed.set(pair, known);
    }
    return known;
  }
}

/** What a check with a key takes, against one with P-256. */
function costOf({ name, bits }: PublicKeyInfo): number {
  if (bits !== undefined) return Math.max(1, Math.ceil((bits / 4096) ** 2));
  if (name.startsWith('slh-dsa')) return 20;
  return name === 'ec-p256' || name === 'ed25519' ? 1 : 5;
}
