import type { Certificate } from '../reading/certificate.ts';
import { Queue } from './queue.ts';
import type { Standing } from './standing.ts';
import type { VerifyInput } from './verdict.ts';
import type { Work } from './work.ts';

/**
 * Finds ways from a certificate to a root. The one that nothing speaks against comes first, whatever else is there; after that, only to explain, those that little
 * speaks against. Three parts: what each name is away from a root is worked out from the roots down, by checks that cost little; the best way is followed up from the
 * certificate, and a signature is checked only where the way goes on; where such a way fails for a reason that no certificate has by itself (policies, revocation, names of
 * authorities in between), all ways without a problem are gone through, and what cannot hold is not tried twice.
 */

/** What came of a whole path: that it holds; that nothing better can be found; or which of its certificates made it fail, by their index. */
export type Outcome = 'holds' | 'enough' | readonly number[];

export interface DeadEnd {
  /** The certificate and its issuers, as far as it goes. */
  readonly certificates: readonly Certificate[];
  /** Whose name the issuer of the last has, but whose key did not sign it. */
  readonly stranger: Certificate | undefined;
}

interface Place { readonly problems: number; readonly steps: number }

/** A certificate reached from the one that is judged. */
interface Reached {
  readonly certificate: Certificate;
  readonly below: Reached | undefined;
  readonly depth: number;
  /** It is a root, and the path ends here. */
  readonly ends: boolean;
  readonly problems: number;
  /** How many names of keys on the way are not those that were asked for. */
  readonly misfits: number;
  /** Authorities up to here, itself included, that count for path lengths. */
  readonly counted: number;
  continues?: boolean;
  stranger?: Certificate;
}

/** A certificate above which no way holds, for whoever is at least so deep and has these below. */
interface Dead { readonly depth: number; readonly counted: number; readonly because: readonly string[] }

/** Without a way to a root by name. It sorts behind everything that has one. */
const NO_WAY: Place = { problems: 1_000_000, steps: 0 };
/** So many certificates at most are looked at to explain why there is no way to a root; where a way is known that explains it, a tenth for others beside. */
const TO_EXPLAIN = 300;
/** Whole ways without a problem of their own that are tried. */
const MAX_WHOLE = 3000;

/** Looks for a path from a certificate to a root that holds, else for the one that fails for the least (RFC 4158). What it may spend is counted by {@link Work}. */
export class PathSearch {
  /** Whether ways were left out because they have too many authorities. */
  tooDeep = false;
  /** Whether it is sure that no way holds but those that were found: what comes after that is for explaining. */
  decided = false;
  readonly #input: VerifyInput;
  readonly #standing: Standing;
  readonly #work: Work;
  readonly #roots: ReadonlySet<string>;
  readonly #named: ReadonlyMap<string, readonly Certificate[]>;
  readonly #accept: (certificates: readonly Certificate[]) => Outcome;
  readonly #dead = new Map<string, Dead[]>();
  #places: ReadonlyMap<string, Place> = new Map();
  #deadEnd: Reached | undefined;
  #whole = 0;
  #entangled = false;

  /** @param accept judges a whole path, the certificate first */
  constructor(input: VerifyInput, standing: Standing, work: Work, accept: (certificates: readonly Certificate[]) => Outcome) {
    this.#input = input;
    this.#standing = standing;
    this.#work = work;
    this.#accept = accept;
    this.#roots = new Set(input.roots.map(({ id }) => id));
    this.#named = bySubject([...input.roots, ...input.untrusted]);
  }

  /** The way that came closest to a root, where none reaches one. */
  get deadEnd(): DeadEnd {
    return { certificates: this.#deadEnd === undefined ? [this.#input.certificate] : wayOf(this.#deadEnd), stranger: this.#deadEnd?.stranger };
  }

  run(): void {
    this.#places = this.#placesOfNames();
    const queue = new Queue<Reached>();
    const visited = new Map<string, Reached[]>();
    const { certificate } = this.#input;
    const start: Reached = { certificate, below: undefined, depth: 0, ends: false, problems: 0, misfits: 0, counted: 0 };
    if (this.#roots.has(certificate.id)) queue.push({ ...start, ends: true, problems: this.#standing.problems(certificate, 0, true) }, [0, 0, 0]);
    this.#push(queue, start);
    /** Whether all ways without a problem of their own must be gone through, or were. */
    let whole: 'no' | 'needed' | 'done' = 'no';
    let explained = 0;
    let found = false;
    for (let reached = queue.pop(); reached !== undefined; reached = queue.pop()) {
      if (whole === 'needed' && this.#least(reached) > 0) {
        if (this.#from([start], [certificate]) === 'stop') return;
        whole = 'done';
      }
      this.decided ||= whole === 'done' || this.#least(reached) > 0;
      const { below } = reached;
      if (below !== undefined) {
        if (!this.#work.signed(below.certificate, reached.certificate)) {
          if (this.#work.spent) return void this.#work.giveUp();
          below.stranger ??= reached.certificate;
          continue;
        }
        below.continues = true;
      }
      if (reached.ends) {
        found = true;
        const outcome = this.#accept(wayOf(reached));
        if (outcome === 'holds' || outcome === 'enough') return;
        if (reached.problems > 0 || reached.depth === 0 || whole === 'done') continue;
        if (this.#from([start], [certificate]) === 'stop') return;
        whole = 'done';
        continue;
      }
      if (found || this.#least(reached) >= NO_WAY.problems) explained += found ? 10 : 1;
      if (explained > TO_EXPLAIN) break;
      const before = visited.get(reached.certificate.id) ?? [];
      if (before.some((one) => one.problems <= reached.problems && one.depth <= reached.depth && one.counted <= reached.counted)) continue;
      visited.set(reached.certificate.id, [...before, reached]);
      if (!this.#expand(reached, queue)) return;
      // Names of authorities in between depend on the way: another way to the same place may be free of them.
      if (this.#entangled && whole === 'no') whole = 'needed';
    }
    if (whole === 'needed' && this.#from([start], [certificate]) === 'stop') return;
    this.decided = true;
    if (!found) for (const reached of [...visited.values()].flat()) if (reached.continues !== true && isFurther(reached, this.#deadEnd)) this.#deadEnd = reached;
  }

  /** Puts all who may have issued the last into the queue. @returns false when there is no more work to spend */
  #expand(last: Reached, queue: Queue<Reached>): boolean {
    for (const issuer of this.#issuersOf(last.certificate)) {
      if (!this.#work.step()) return false;
      const loop = isLoop(last, issuer);
      if (this.#roots.has(issuer.id) && loop !== 'certificate') this.#push(queue, this.#above(last, issuer, true));
      if (loop !== undefined || !this.#goesOn(issuer)) continue;
      if (last.depth >= this.#input.maxDepth) this.tooDeep = true;
      else this.#push(queue, this.#above(last, issuer, false));
    }
    return true;
  }

  /** A root that is good as one ends its path; else it may be an authority below another. */
  #goesOn(issuer: Certificate): boolean {
    return !this.#roots.has(issuer.id) || this.#standing.problems(issuer, 1, true) > 0;
  }

  #above(below: Reached, issuer: Certificate, ends: boolean): Reached {
    // Problems that an authority has with those below it: too many, and names of authorities in between.
    const tooLong = isTooLong(issuer, below.counted) ? 1 : 0;
    const refused = this.#standing.constraints(issuer) === undefined ? 0 : wayOf(below).filter((one, depth) => depth > 0 && !one.isSelfIssued && this.#standing.refusal(issuer, one) !== undefined).length;
    if (refused > 0 && below.problems + tooLong === 0) this.#entangled = true;
    return {
      certificate: issuer, below, depth: below.depth + 1, ends, problems: below.problems + this.#standing.problems(issuer, 1, ends) + tooLong + refused,
      misfits: below.misfits + (fits(below.certificate, issuer) === 2 ? 1 : 0), counted: below.counted + (issuer.isSelfIssued ? 0 : 1),
    };
  }

  #push(queue: Queue<Reached>, reached: Reached): void {
    const rest = reached.ends ? { problems: 0, steps: 0 } : (this.#places.get(reached.certificate.issuer.canonical) ?? NO_WAY);
    queue.push(reached, [reached.problems + rest.problems, reached.misfits, reached.depth + rest.steps]);
  }

  /** @returns how many problems a way through here has at least. */
  #least({ problems, ends, certificate }: Reached): number {
    return problems + (ends ? 0 : (this.#places.get(certificate.issuer.canonical) ?? NO_WAY).problems);
  }

  /** @returns for each name that an issuer may have, how far from a root its best bearer is, by names and by what each has as problems of its own. */
  #placesOfNames(): ReadonlyMap<string, Place> {
    const { certificate } = this.#input;
    const issued = new Map<string, Certificate[]>();
    const names = [certificate.issuer.canonical];
    const seen = new Set(names);
    const queue = new Queue<{ readonly name: string; readonly place: Place }>();
    for (const name of names) {
      for (const one of this.#named.get(name) ?? []) {
        if (!this.#work.step()) return new Map();
        if (this.#roots.has(one.id)) {
          const problems = this.#standing.problems(one, 1, true);
          queue.push({ name, place: { problems, steps: 1 } }, [problems, 1]);
        }
        if (!this.#goesOn(one)) continue;
        const above = one.issuer.canonical;
        issued.set(above, [...(issued.get(above) ?? []), one]);
        if (!seen.has(above)) names.push(above);
        seen.add(above);
      }
    }
    const places = new Map<string, Place>();
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const { name, place } = next;
      if (places.has(name)) continue;
      places.set(name, place);
      for (const one of issued.get(name) ?? []) {
        const further = { problems: place.problems + this.#standing.problems(one, 1, false), steps: place.steps + 1 };
        if (!places.has(one.subject.canonical)) queue.push({ name: one.subject.canonical, place: further }, [further.problems, further.steps]);
      }
    }
    return places;
  }

  #issuersOf({ issuer }: Certificate): readonly Certificate[] {
    return this.#named.get(issuer.canonical) ?? [];
  }

  /**
   * Goes through all ways above `way` that nothing speaks against but what only whole paths show.
   * @returns `stop`, or the indexes of those below the last on which it depends that no way holds
   */
  #from(way: readonly Reached[], certificates: readonly Certificate[]): 'stop' | ReadonlySet<number> {
    const last = way.at(-1)!;
    const { certificate, depth, counted } = last;
    const known = this.#dead.get(certificate.id)?.find((dead) => depth >= dead.depth && counted >= dead.counted && dead.because.every((id) => certificates.some((one) => one.id === id)));
    if (known !== undefined) return new Set(known.because.map((id) => certificates.findIndex((one) => one.id === id)));
    const blamed = new Set<number>();
    for (const issuer of this.#inOrder(certificate)) {
      if (!this.#work.step()) return 'stop';
      const ends = this.#roots.has(issuer.id) && this.#standing.problems(issuer, 1, true) === 0;
      const loop = certificates.findIndex((one) => (ends ? one.id === issuer.id : isSame(one, issuer)));
      if (loop >= 0) blamed.add(loop);
      if (loop >= 0 || isTooLong(issuer, counted) || (!ends && depth >= this.#input.maxDepth)) continue;
      const refused = this.#standing.constraints(issuer) === undefined ? -1 : certificates.findIndex((one, index) => index > 0 && !one.isSelfIssued && this.#standing.refusal(issuer, one) !== undefined);
      if (refused >= 0) {
        blamed.add(refused);
        continue;
      }
      if (!this.#work.signed(certificate, issuer)) {
        if (this.#work.spent) return this.#work.giveUp();
        continue;
      }
      const above = ends ? this.#tried([...certificates, issuer]) : this.#from([...way, { ...last, certificate: issuer, depth: depth + 1, counted: counted + (issuer.isSelfIssued ? 0 : 1) }], [...certificates, issuer]);
      if (above === 'stop') return 'stop';
      for (const index of above) if (index < depth) blamed.add(index);
    }
    const because = [...blamed].map((index) => certificates[index]!.id);
    this.#dead.set(certificate.id, [...(this.#dead.get(certificate.id) ?? []), { depth, counted, because }]);
    return blamed;
  }

  #tried(certificates: readonly Certificate[]): 'stop' | Iterable<number> {
    const outcome = this.#accept(certificates);
    if (outcome === 'holds' || outcome === 'enough') return 'stop';
    this.#whole += 1;
    return this.#whole > MAX_WHOLE ? this.#work.giveUp() : outcome;
  }

  /** Issuers that have no problem of their own and lead to a root, the likeliest first. */
  #inOrder(certificate: Certificate): Certificate[] {
    const standing = this.#standing;
    const steps = (one: Certificate): number => (this.#roots.has(one.id) ? 0 : (this.#places.get(one.issuer.canonical)?.steps ?? 0));
    const usable = this.#issuersOf(certificate).filter((one) => (this.#roots.has(one.id) && standing.problems(one, 1, true) === 0) || (standing.problems(one, 1, false) === 0 && this.#places.get(one.issuer.canonical)?.problems === 0));
    return usable.map((one) => ({ one, by: 10_000 * fits(certificate, one) + steps(one) })).sort((a, b) => a.by - b.by).map(({ one }) => one);
  }
}

/** RFC 5280 §4.2.1.9. */
const isTooLong = ({ basicConstraints }: Certificate, counted: number): boolean => basicConstraints?.pathLength !== undefined && counted > basicConstraints.pathLength;

/** The same name and key twice is a loop, whatever else differs (RFC 4158 §2.4.2). */
const isSame = (one: Certificate, other: Certificate): boolean => one.id === other.id || (one.subject.canonical === other.subject.canonical && one.publicKeyId === other.publicKeyId);

/** @returns whether an issuer is on the way already: the very certificate, or another of its name and key. */
function isLoop(reached: Reached, issuer: Certificate): 'certificate' | 'key' | undefined {
  let found: 'certificate' | 'key' | undefined;
  for (let one: Reached | undefined = reached; one !== undefined; one = one.below) {
    if (one.certificate.id === issuer.id) return 'certificate';
    if (isSame(one.certificate, issuer)) found = 'key';
  }
  return found;
}

/** @returns 0 where the issuer has the key identifier that was asked for, 2 where it has another, 1 where one of them says nothing. */
function fits({ authorityKeyIdentifier }: Certificate, { subjectKeyIdentifier: own }: Certificate): 0 | 1 | 2 {
  const wanted = authorityKeyIdentifier?.keyIdentifier;
  return wanted === undefined || own === undefined ? 1 : Buffer.from(wanted).equals(own) ? 0 : 2;
}

const isFurther = (one: Reached, other: Reached | undefined): boolean => other === undefined || one.depth > other.depth || (one.depth === other.depth && one.problems < other.problems);

/** @returns the certificates of a way, the one that is judged first. */
function wayOf(reached: Reached): Certificate[] {
  const way: Certificate[] = [];
  for (let one: Reached | undefined = reached; one !== undefined; one = one.below) way.push(one.certificate);
  return way.reverse();
}

/** Each certificate once. */
function bySubject(certificates: readonly Certificate[]): Map<string, Certificate[]> {
  const map = new Map<string, Certificate[]>();
  const seen = new Set<string>();
  for (const certificate of certificates) {
    if (seen.has(certificate.id)) continue;
    seen.add(certificate.id);
    const known = map.get(certificate.subject.canonical);
    if (known === undefined) map.set(certificate.subject.canonical, [certificate]);
    else known.push(certificate);
  }
  return map;
}
