import { beforeAll, describe, expect, test } from 'vitest';
import { contextPrimitive, der, derSequence } from '../../formats/der.ts';
import { type Certificate, type Verdict, verifyCertificate } from '../index.ts';
import { basicConstraintsOf, derExtension, extendedKeyUsageOf, keyUsageOf, nameConstraintsOf, policiesOf } from '../making/extensions.ts';
import { EXTENSION, PURPOSE_OIDS } from '../reading/oids.ts';
import { authority, type Forged, leaf, list, p256, type Parts, root, tampered, unknownExtension } from '../testing/forge.ts';
import { judgePath } from './judge.ts';
import { Standing } from './standing.ts';
import type { VerifyInput } from './verdict.ts';
import { Work, WORK_LIMITS } from './work.ts';

/**
 * Which way to a root is found, among how many, and with how much work. In the manner of the path-building tests of BetterTLS: graphs of authorities in which all
 * certificates but those of one way are invalid, by each reason.
 */

const AT = new Date('2024-01-20T00:00:00Z');
const inputOf = (end: Forged, between: readonly Forged[], roots: readonly Forged[], more: Partial<VerifyInput> = {}): VerifyInput => ({
  certificate: end.certificate, untrusted: between.map(({ certificate }) => certificate), roots: roots.map(({ certificate }) => certificate), crls: [], ocsp: [], revoked: new Map(), at: AT, purpose: 'tls-server', names: [], maxDepth: 10,
  policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: true, extendedKeyUsages: [], ...more,
});
/** Judged with so many signature checks and not one more. */
const judged = (input: VerifyInput, signatures = WORK_LIMITS.signatures): Verdict => verifyCertificate(input, new Work({ ...WORK_LIMITS, signatures }));
const titles = ({ path }: Verdict): string[] => path!.certificates.map(({ certificate }) => certificate.subject.text.replace('CN=', ''));

describe('fifty authorities that all signed each other', () => {
  const COUNT = 50;
  const long = { to: '2099-01-01T00:00:00Z' };
  const names = Array.from({ length: COUNT }, (_, index) => `CN=Mesh ${index}`);
  let top: Forged;
  let selves: Forged[];
  let mesh: Forged[];
  let end: Forged;
  beforeAll(() => {
    top = root(long);
    selves = names.map((subject) => root({ subject }));
    mesh = selves.flatMap((by) => selves.filter((one) => one !== by).map((one) => authority(by, { subject: one.certificate.subject.text, keys: one.keys })));
    end = leaf(selves[0]!, long);
  });
  const exit = (parts: Parts = {}): Forged => authority(top, { subject: names[COUNT - 1]!, keys: selves[COUNT - 1]!.keys, ...parts });

  test('and one of them by a root: the short way is found with few signatures', () => {
    const verdict = judged(inputOf(end, [...mesh, exit()], [top]), 10);
    expect([verdict.trusted, titles(verdict)]).toEqual([true, ['example.com', 'Mesh 0', 'Mesh 49', 'Root']]);
  });

  test('and all have ended: that is said with few signatures', () => {
    const verdict = judged(inputOf(end, [...mesh, exit()], [top], { at: new Date('2045-01-01T00:00:00Z') }), 60);
    expect(verdict).toMatchObject({ trusted: false, exhausted: false, verdict: expect.stringContaining('It ended on 2040') as string });
    expect(titles(verdict)).toEqual(['example.com', 'Mesh 0', 'Mesh 49', 'Root']);
  });

  test('and all have ended but one way: that one is found', () => {
    const middle = authority(top, { subject: 'CN=Middle', ...long });
    const good = authority(middle, { subject: names[0]!, keys: selves[0]!.keys, ...long });
    const verdict = judged(inputOf(end, [...mesh, exit(), good, middle], [top], { at: new Date('2045-01-01T00:00:00Z') }), 10);
    expect([verdict.trusted, titles(verdict)]).toEqual([true, ['example.com', 'Mesh 0', 'Middle', 'Root']]);
  });

  test('and no root: that is said without trying all', () => {
    expect(judged(inputOf(end, mesh, [top]), 400)).toMatchObject({ trusted: false, exhausted: false, verdict: expect.stringContaining('Nobody known has issued') as string });
  });

  test('and the root of that name has another key: that is said', () => {
    const verdict = judged(inputOf(end, [...mesh, exit()], [root(long)]));
    expect([verdict.trusted, verdict.exhausted, verdict.verdict]).toEqual([false, false, expect.stringContaining('The signature of “Mesh 49” is not that of “Root”')]);
  });

  test('and one may only stand directly above an end: the way goes through where it does', () => {
    const zero = { basic: basicConstraintsOf(true, 0) };
    expect(judged(inputOf(end, [...mesh, exit(zero)], [top])).trusted).toBe(false);
    expect(judged(inputOf(leaf(selves[COUNT - 1]!), [...mesh, exit(zero)], [top]), 10).trusted).toBe(true);
  });

  test('and a list revoked the certificate: that is said, not that there are many ways', () => {
    const lists = [list(selves[0]!, { revoked: [{ serial: end.certificate.serialText }] })];
    const verdict = judged(inputOf(end, [...mesh, exit()], [top], { crls: lists, revocation: 'given' }));
    expect(verdict).toMatchObject({ trusted: false, revocation: 'revoked', verdict: expect.stringContaining('Revoked on 2024-01-05') as string });
  });

  test('and nobody knows of revocation: that ends, and is said', () => {
    const verdict = judged(inputOf(end, [...mesh, exit()], [top], { revocation: 'chain' }));
    expect(verdict).toMatchObject({ trusted: false, verdict: expect.stringContaining('Whether it is revoked is not known') as string });
  });
});

describe('among very many', () => {
  test('of one name and key, with wrong signatures, the right one is found', () => {
    const top = root();
    const good = authority(top, { subject: 'CN=Crowd' });
    const crowd = Array.from({ length: 3000 }, (_, index) => tampered(good, index + 1));
    expect(judged(inputOf(leaf(good), [...crowd, good], [top])).trusted).toBe(true);
  });

  test('more than can be tried, it is said that there are too many', () => {
    const top = root();
    const good = authority(top, { subject: 'CN=Crowd' });
    const crowd = Array.from({ length: 300 }, (_, index) => tampered(good, index + 1));
    expect(judged(inputOf(leaf(good), [...crowd, good], [top]), 100)).toMatchObject({ trusted: false, exhausted: true, verdict: expect.stringContaining('more ways to a root than can be tried') as string });
  });

  test('roots of one name, the one with the key is found by its identifier', () => {
    const roots = Array.from({ length: 500 }, () => root());
    expect(judged(inputOf(leaf(roots[311]!), [], roots), 1).trusted).toBe(true);
  });

  test('authorities of one name and many keys, the one with the key is found without an identifier too', () => {
    const top = root();
    const crowd = Array.from({ length: 300 }, () => authority(top, { subject: 'CN=Crowd', ski: null }));
    expect(judged(inputOf(leaf(crowd[177]!, { aki: null }), crowd, [top], { strict: false }), 302).trusted).toBe(true);
  });

  test('a chain of a hundred holds, also among its twins that have ended, and not where one less is allowed', () => {
    const top = root();
    const chain = [authority(top)];
    while (chain.length < 100) chain.push(authority(chain.at(-1)!));
    const twins = chain.map((one, index) => authority(index === 0 ? top : chain[index - 1]!, { subject: one.certificate.subject.text, keys: one.keys, to: '2022-01-01T00:00:00Z' }));
    expect(judged(inputOf(leaf(chain.at(-1)!), [...twins, ...chain], [top], { maxDepth: 100 }), 101).trusted).toBe(true);
    expect(judged(inputOf(leaf(chain.at(-1)!), [...twins, ...chain], [top], { maxDepth: 99 })).verdict).toContain('within 99 authorities');
  });
});

describe('where a way fails for what no certificate has by itself, another is found', () => {
  const cross = (by: Forged, one: Forged, parts: Parts = {}): Forged => authority(by, { subject: one.certificate.subject.text, keys: one.keys, ...parts });

  test('names of an authority in between', () => {
    const top = root();
    const strict = authority(top, { more: [nameConstraintsOf([], ['dir:CN=Bad'])] });
    const middle = authority(strict);
    const [bad, good] = [authority(middle, { subject: 'CN=Bad' }), authority(middle, { subject: 'CN=Good' })];
    const one = authority(bad, { subject: 'CN=Issuer' });
    const verdict = judged(inputOf(leaf(one), [strict, middle, bad, good, one, cross(good, one)], [top]), 20);
    expect([verdict.trusted, titles(verdict).includes('Good')]).toEqual([true, true]);
  });

  test('policies', () => {
    const top = root();
    const policies = (oid: string): Parts => ({ more: [policiesOf([oid])] });
    const [bad, good] = [authority(top, policies('1.2.4')), authority(top, policies('1.2.3'))];
    const one = authority(bad, policies('1.2.3'));
    const input = inputOf(leaf(one, policies('1.2.3')), [bad, good, one, cross(good, one, policies('1.2.3'))], [top], { policies: { initial: ['1.2.3'], requireExplicit: true, inhibitMapping: false, inhibitAny: false } });
    expect(judged(input).trusted).toBe(true);
    expect(judged({ ...input, untrusted: input.untrusted.filter(({ id }) => id !== good.certificate.id) }).verdict).toContain('An explicit policy is needed');
  });

  test('a list that revokes one of two certificates of an authority', () => {
    const top = root();
    const one = authority(top);
    const twin = cross(top, one);
    const lists = [list(top, { revoked: [{ serial: one.certificate.serialText }] }), list(one)];
    for (const between of [[one, twin], [twin, one]]) expect(judged(inputOf(leaf(one), between, [top], { crls: lists, revocation: 'chain' }), 20).trusted).toBe(true);
    expect(judged(inputOf(leaf(one), [one], [top], { crls: lists, revocation: 'chain' })).trusted).toBe(false);
  });

  test('in a ladder of three to the power of eight ways', () => {
    const top = root();
    const policy = { more: [policiesOf(['1.2.3'])] };
    let above = [authority(top, { more: [policiesOf(['1.2.4'])] }), authority(top, { more: [policiesOf(['1.2.5'])] }), authority(top, policy)];
    const between = [...above];
    for (let layer = 1; layer < 8; layer++) {
      const crossed = [p256(), p256(), p256()].map((keys, index) => above.map((by) => authority(by, { subject: `CN=Layer ${layer} ${index}`, keys, ...policy })));
      between.push(...crossed.flat());
      above = crossed.map(([first]) => first!);
    }
    const policies = { initial: ['1.2.3'], requireExplicit: true, inhibitMapping: false, inhibitAny: false };
    const input = inputOf(leaf(between.at(-1)!, policy), between, [top], { policies });
    expect(judged(input, 200).trusted).toBe(true);
    const verdict = judged({ ...input, policies: { ...policies, initial: ['1.2.9'] } });
    expect([verdict.trusted, verdict.verdict]).toEqual([false, expect.stringContaining('An explicit policy is needed')]);
  });
});

test('a root that breaks a rule for roots may still stand below another', () => {
  const top = root();
  const middle = authority(top, { purposes: extendedKeyUsageOf([PURPOSE_OIDS['tls-server']], false) });
  expect(judged(inputOf(leaf(middle), [], [middle])).verdict).toContain('It is a root, and has an extended key usage.');
  expect(titles(judged(inputOf(leaf(middle), [], [middle, top])))).toEqual(['example.com', middle.certificate.subject.text.replace('CN=', ''), 'Root']);
});

test('of several reasons, the way with the fewest is told', () => {
  const top = root();
  const one = authority(top, { to: '2022-01-01T00:00:00Z' });
  const worse = authority(top, { subject: one.certificate.subject.text, keys: one.keys, to: '2022-01-01T00:00:00Z', basic: basicConstraintsOf(false, undefined), usage: keyUsageOf(['crl-sign']) });
  const verdict = judged(inputOf(leaf(one), [worse, one], [top]));
  expect([verdict.verdict, verdict.path!.certificates[1]!.certificate.id]).toEqual([expect.stringContaining('It ended on 2022'), one.certificate.id]);
  expect(verdict.others[0]!.certificates[1]!.certificate.id).toBe(worse.certificate.id);
});

/** Why an authority's certificate is worth nothing. A path length is, unless the authority stands directly above the end. */
const SPOILED: Readonly<Record<string, Parts | 'tampered'>> = {
  'has ended': { to: '2022-01-01T00:00:00Z' }, 'has not begun': { from: '2030-01-01T00:00:00Z' }, 'forbids the name': { more: [nameConstraintsOf([], ['dns:example.com'])] }, 'allows another name': { more: [nameConstraintsOf(['dns:example.org'], [])] },
  'is for another purpose': { purposes: extendedKeyUsageOf([PURPOSE_OIDS['tls-client']], false) }, 'is no authority': { basic: basicConstraintsOf(false, undefined) }, 'has no basic constraints': { basic: null }, 'may not sign certificates': { usage: keyUsageOf(['crl-sign']) },
  'was signed with SHA-1': { sha1: true }, 'has another signature': 'tampered', 'allows nobody below': { basic: basicConstraintsOf(true, 0) }, 'has an unknown critical extension': { more: [unknownExtension(true)] }, 'is of version 1': { version: 1 },
  'has malformed constraints': { more: [derExtension(EXTENSION.nameConstraints, derSequence(), true)] }, 'forbids the other authorities': { more: [nameConstraintsOf([], ['dir:CN=B', 'dir:CN=C'])] }, 'has a malformed extension': { more: [derExtension(EXTENSION.authorityInformationAccess, der(contextPrimitive(1)))] },
};

/** Authorities by name; `R` and `S` are roots. Each certificate is made once. */
class Graphs {
  readonly #holders = new Map<string, Forged>();
  readonly #made = new Map<string, Forged>();
  holder(name: string): Forged {
    let known = this.#holders.get(name);
    if (known === undefined) this.#holders.set(name, (known = root({ subject: `CN=${name}` })));
    return known;
  }
  edge(subject: string, issuer: string, reason: string | undefined): Forged {
    const key = `${subject}<${issuer} ${reason}`;
    let known = this.#made.get(key);
    if (known === undefined) {
      const by = this.holder(issuer);
      const spoiled = reason === undefined ? {} : SPOILED[reason]!;
      const { keys } = this.holder(subject);
      known = authority(by, { subject: `CN=${subject}`, keys, ...(spoiled === 'tampered' ? {} : spoiled) });
      if (spoiled === 'tampered') known = tampered(known);
      this.#made.set(key, known);
    }
    return known;
  }
  end(issuer: string): Forged {
    const known = this.#made.get(issuer) ?? leaf(this.holder(issuer));
    this.#made.set(issuer, known);
    return known;
  }
}
const graphs = new Graphs();

/** `A<B`: B signed a certificate of A. The end is below A. */
const SHAPES: Readonly<Record<string, string>> = {
  'a single way': 'A<R', 'two ways to one root': 'A<B A<C B<R C<R', 'two roots': 'A<R A<S', 'a bridge': 'A<B B<C B<D C<R D<S', 'authorities that signed each other': 'A<B B<A A<R B<S', 'a circle beside the way': 'A<B B<C C<A C<R', 'four that signed each other': 'A<B B<A A<C C<A A<D D<A B<C C<B B<D D<B C<D D<C D<R B<S',
  'a ladder': 'A<B A<C B<D B<E C<D C<E D<R E<R D<S E<S', 'a short way and a long one': 'A<R A<B B<C C<D D<R', 'roots that signed each other': 'A<R R<S S<R',
};

/** @returns all ways from A to a root, no authority twice. */
function waysOf(edges: readonly (readonly [string, string])[], at = 'A', been: readonly string[] = ['A']): (readonly [string, string])[][] {
  return edges.filter(([subject, issuer]) => subject === at && !been.includes(issuer)).flatMap((edge) => ('RS'.includes(edge[1]) ? [[edge]] : waysOf(edges, edge[1], [...been, edge[1]]).map((rest) => [edge, ...rest])));
}

describe.each(Object.entries(SHAPES))('%s', (_name, text) => {
  const edges = text.split(' ').map((edge) => edge.split('<') as [string, string]);
  const ways = waysOf(edges);

  test.each(Object.keys(SPOILED))('is found where any other certificate %s, and none where all do', (reason) => {
    const roots = ['R', 'S'].filter((name) => edges.some(([, issuer]) => issuer === name)).map((name) => graphs.holder(name));
    const wrong: string[] = [];
    for (const way of [...ways, undefined]) {
      const between = edges.map(([subject, issuer]) => graphs.edge(subject, issuer, way?.some(([one, other]) => one === subject && other === issuer) === true ? undefined : reason));
      const input = inputOf(graphs.end('A'), between, roots);
      // Whether a way of which all are invalid holds all the same is said by judging that way alone.
      const wanted = way !== undefined || ways.some((one) => holds(input, one));
      for (const untrusted of [input.untrusted, input.untrusted.toReversed()]) if (judged({ ...input, untrusted }, 100).trusted !== wanted) wrong.push(way?.join(' ') ?? 'none');
    }
    expect(wrong).toEqual([]);
  });
});

/** Whether a way holds, judged by itself. */
function holds(input: VerifyInput, way: readonly (readonly [string, string])[]): boolean {
  const of = ([subject, issuer]: readonly [string, string]): Certificate[] => input.untrusted.filter((one) => one.subject.text === `CN=${subject}` && one.issuer.text === `CN=${issuer}`);
  let paths: Certificate[][] = [[input.certificate]];
  for (const edge of way) paths = paths.flatMap((path) => of(edge).map((one) => [...path, one]));
  const root_ = input.roots.find((one) => one.subject.text === `CN=${way.at(-1)![1]}`)!;
  return paths.some((path) => {
    const work = new Work();
    const whole = [...path, root_];
    return whole.slice(0, -1).every((one, index) => one.isSignedBy(whole[index + 1]!)) && judgePath(whole, { input, standing: new Standing(input, work), work, trusts: () => false }).trusted;
  });
}

const ROUNDS = Number(process.env['KEYWRIGHT_GRAPHS'] ?? 600);
test('in random graphs, a way is found exactly where one of all ways holds', () => {
  let state = 20_240_120;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const reasons = [...Object.keys(SPOILED), 'allows nobody below', 'allows nobody below', 'forbids the other authorities', 'forbids the other authorities'];
  const names = ['A', 'B', 'C', 'D', 'E'];
  const wrong: string[] = [];
  let held = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const edges: [string, string][] = [];
    for (const subject of names) for (const issuer of [...names, 'R', 'S']) if (subject !== issuer && random(10) < ('RS'.includes(issuer) ? 2 : 4)) edges.push([subject, issuer]);
    const between: Forged[] = [];
    for (const [subject, issuer] of edges) for (let copy = 0; copy <= random(2); copy++) between.push(graphs.edge(subject, issuer, random(10) < 4 ? undefined : reasons[random(reasons.length)]));
    const input = inputOf(graphs.end('A'), between, [graphs.holder('R'), graphs.holder('S')], { maxDepth: random(4) === 0 ? 2 : 10 });
    const wanted = waysOf(edges).some((way) => way.length <= input.maxDepth && holds(input, way));
    const verdict = judged(input, 200);
    held += wanted ? 1 : 0;
    if (verdict.trusted !== wanted || verdict.exhausted) wrong.push(`${round}: ${edges.map((edge) => edge.join('<')).join(' ')}: ${verdict.verdict}`);
  }
  expect([wrong, held > ROUNDS / 8 && held < ROUNDS * (7 / 8)]).toEqual([[], true]);
}, 600_000);

