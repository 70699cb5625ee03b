import type { Certificate } from '../reading/certificate.ts';
import { certificatePolicies, EXTENSION, inhibitAnyPolicy, policyConstraints, policyMappings } from '../reading/extensions.ts';
import { ANY_POLICY } from '../reading/oids.ts';

/** Certificate policies (RFC 5280 §6.1), over the policy graph of RFC 9618 §5, which no chain can blow up. */

export interface PolicyInput {
  /** user-initial-policy-set; empty: any policy. */
  readonly initial: readonly string[];
  readonly requireExplicit: boolean;
  readonly inhibitMapping: boolean;
  readonly inhibitAny: boolean;
}

interface Node {
  readonly policy: string;
  expected: ReadonlySet<string>;
  readonly parents: ReadonlySet<Node>;
}

const MAX_NODES = 10_000;

/** The state of policy processing along one path, from the trust anchor down. */
export class PolicyState {
  readonly #input: PolicyInput;
  readonly #length: number;
  #levels: Map<string, Node>[] | undefined;
  #explicit: number;
  #mapping: number;
  #any: number;
  #nodes = 0;

  /** @param length certificates below the anchor. */
  constructor(input: PolicyInput, length: number) {
    this.#input = input;
    this.#length = length;
    this.#levels = [new Map([[ANY_POLICY, { policy: ANY_POLICY, expected: new Set([ANY_POLICY]), parents: new Set<Node>() }]])];
    this.#explicit = input.requireExplicit ? 0 : length + 1;
    this.#mapping = input.inhibitMapping ? 0 : length + 1;
    this.#any = input.inhibitAny ? 0 : length + 1;
  }

  /** Processes certificate `index` (1 is directly below the anchor). @returns why the path fails here, or undefined. @throws INVALID_INPUT for a malformed extension */
  next(certificate: Certificate, index: number): string | undefined {
    const last = index === this.#length;
    const policies = certificate.read(EXTENSION.certificatePolicies, certificatePolicies)?.map(({ oid }) => oid);
    if (policies !== undefined && new Set(policies).size !== policies.length) return 'It names a policy twice (RFC 5280 §4.2.1.4).';
    if (policies === undefined) this.#levels = undefined;
    else if (this.#levels !== undefined) this.#add(policies, this.#any > 0 || (!last && certificate.isSelfIssued));
    if (this.#nodes > MAX_NODES) return 'Its policies are more than any honest authority has.';
    if (this.#explicit === 0 && this.#levels === undefined) return 'An explicit policy is needed, and none is valid up to here.';
    return last ? this.#wrapUp(certificate) : this.#prepare(certificate);
  }

  #add(policies: readonly string[], anyAllowed: boolean): void {
    const levels = this.#levels!;
    const above = levels.at(-1)!;
    const expecting = new Map<string, Set<Node>>();
    for (const node of above.values()) for (const policy of node.expected) expecting.set(policy, (expecting.get(policy) ?? new Set()).add(node));
    const level = new Map<string, Node>();
    const put = (policy: string, parents: ReadonlySet<Node>): void => {
      level.set(policy, { policy, expected: new Set([policy]), parents });
      this.#nodes += 1;
    };
    const any = above.get(ANY_POLICY);
    for (const policy of policies) {
      if (policy === ANY_POLICY) continue;
      const parents = expecting.get(policy) ?? (any === undefined ? undefined : new Set([any]));
      if (parents !== undefined) put(policy, parents);
    }
    if (anyAllowed && policies.includes(ANY_POLICY)) for (const [policy, parents] of expecting) if (!level.has(policy)) put(policy, parents);
    if (level.size === 0) this.#levels = undefined;
    else levels.push(level);
  }

  /** RFC 5280 §6.1.4 (a), (b), (h) to (j). */
  #prepare(certificate: Certificate): string | undefined {
    const mappings = certificate.read(EXTENSION.policyMappings, policyMappings) ?? [];
    if (mappings.some(({ issuer, subject }) => issuer === ANY_POLICY || subject === ANY_POLICY)) return 'It maps anyPolicy (RFC 5280 §6.1.4 (a)).';
    const level = this.#levels?.at(-1);
    if (level !== undefined && mappings.length > 0) {
      const targets = new Map<string, Set<string>>();
      for (const { issuer, subject } of mappings) targets.set(issuer, (targets.get(issuer) ?? new Set()).add(subject));
      const any = level.get(ANY_POLICY);
      for (const [issuer, subjects] of targets) {
        const node = level.get(issuer);
        if (this.#mapping === 0) level.delete(issuer);
        else if (node !== undefined) node.expected = subjects;
        else if (any !== undefined) level.set(issuer, { policy: issuer, expected: subjects, parents: any.parents });
      }
      if (level.size === 0) this.#levels = undefined;
    }
    if (!certificate.isSelfIssued) {
      this.#explicit = Math.max(0, this.#explicit - 1);
      this.#mapping = Math.max(0, this.#mapping - 1);
      this.#any = Math.max(0, this.#any - 1);
    }
    const { requireExplicit, inhibitMapping } = certificate.read(EXTENSION.policyConstraints, policyConstraints) ?? {};
    this.#explicit = Math.min(this.#explicit, requireExplicit ?? this.#explicit);
    this.#mapping = Math.min(this.#mapping, inhibitMapping ?? this.#mapping);
    this.#any = Math.min(this.#any, certificate.read(EXTENSION.inhibitAnyPolicy, inhibitAnyPolicy) ?? this.#any);
    return undefined;
  }

  /** RFC 5280 §6.1.5 (a), (b), (g), RFC 9618 §5.6. */
  #wrapUp(certificate: Certificate): string | undefined {
    this.#explicit = Math.max(0, this.#explicit - 1);
    if (certificate.read(EXTENSION.policyConstraints, policyConstraints)?.requireExplicit === 0) this.#explicit = 0;
    if (this.#explicit > 0) return undefined;
    const valid = this.valid();
    if (valid.length > 0) return undefined;
    return this.#input.initial.length === 0 ? 'An explicit policy is needed, and none is valid for the whole path.' : `None of the policies asked for is valid for the whole path: ${this.#input.initial.slice(0, 5).join(', ')}.`;
  }

  /** @returns policies that are valid for the whole path, as the user's set has them. */
  valid(): string[] {
    if (this.#levels === undefined) return [];
    const bottom = this.#levels.at(-1)!;
    const anyAtBottom = bottom.has(ANY_POLICY);
    // Policies as the authorities just below an anyPolicy called them: what later mappings made of them is not the user's affair.
    const living = new Set<Node>(bottom.values());
    const found = new Set<string>();
    for (const node of living) {
      for (const parent of node.parents) living.add(parent);
      if (node.policy !== ANY_POLICY && [...node.parents].some(({ policy }) => policy === ANY_POLICY)) found.add(node.policy);
    }
    const { initial } = this.#input;
    if (initial.length === 0 || initial.includes(ANY_POLICY)) return anyAtBottom ? [...found, ANY_POLICY] : [...found];
    return initial.filter((policy) => found.has(policy) || anyAtBottom);
  }
}
