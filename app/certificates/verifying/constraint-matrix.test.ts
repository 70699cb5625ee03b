import { expect, test } from 'vitest';
import { peerName, verifyCertificate } from '../index.ts';
import { alternativeNamesOf, nameConstraintsOf } from '../making/extensions.ts';
import { authority, leaf, root } from '../testing/forge.ts';

/** The matrix of Netflix's BetterTLS: an authority that allows or forbids domains and networks, against ends with names within, without, or none; judged by a table of its own. */

type Which = 0 | 1 | 2;
/** None, within the first tree, within the second. */
const ALL: readonly Which[] = [0, 1, 2];
const DOMAINS = ['', 'dns:localhost', 'dns:example.com'];
const NETWORKS = ['', 'ip:127.0.0.0/24', 'ip:1.1.1.0/24'];
const NAMES = ['', 'dns:test.localhost', 'dns:bad.example.com'];
const ADDRESSES = ['', 'ip:127.0.0.1', 'ip:1.1.1.1'];
const some = (...texts: (string | undefined)[]): string[] => texts.filter((text): text is string => text !== undefined && text !== '');
const lawful = (name: Which, allowed: Which, forbidden: Which): boolean => name === 0 || ((allowed === 0 || allowed === name) && forbidden !== name);

test('names within and without what an authority allows and forbids, in every combination', () => {
  const top = root();
  const wrong: string[] = [];
  for (const combination of ALL.flatMap((a) => ALL.flatMap((b) => ALL.flatMap((c) => ALL.map((d) => [a, b, c, d] as const))))) {
    const [domain, network, noDomain, noNetwork] = combination;
    const [permitted, excluded] = [some(DOMAINS[domain], NETWORKS[network]), some(DOMAINS[noDomain], NETWORKS[noNetwork])];
    const between = authority(top, permitted.length + excluded.length === 0 ? {} : { more: [nameConstraintsOf(permitted, excluded)] });
    for (const [name, address] of ALL.flatMap((one) => ALL.map((other) => [one, other] as const))) {
      const names = some(NAMES[name], ADDRESSES[address]);
      const { certificate } = leaf(between, { subject: 'O=Example', san: names.length === 0 ? null : alternativeNamesOf(names, false) });
      for (const [host, has] of [['dns:test.localhost', name === 1], ['ip:127.0.0.1', address === 1]] as const) {
        const { trusted, verdict } = verifyCertificate({
          certificate, untrusted: [between.certificate], roots: [top.certificate], crls: [], ocsp: [], revoked: new Map(), at: new Date('2024-01-20T00:00:00Z'), purpose: 'tls-server', names: [peerName(host, '/name')], maxDepth: 10,
          policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: true, extendedKeyUsages: [],
        });
        if (trusted !== (has && lawful(name, domain, noDomain) && lawful(address, network, noNetwork))) wrong.push(`${combination.join()} ${names.join()} ${host}: ${verdict}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});
