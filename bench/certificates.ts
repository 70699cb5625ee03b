import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { Certificate, factsOf, prepareCertificate, readCertificates, signCertificate, titleOf, verifyCertificate } from '../app/certificates/index.ts';
import { benchCore, OWNER } from './core.ts';
import { compare, type Ratio, reading, type Reading, ROUNDS, seconds } from './measure.ts';

const MANY = 10_000;
const CONTENT = { san: [], permit: [], exclude: [], policies: [], crlUrl: [], ocspUrl: [], issuerUrl: [], mustStaple: false } as const;
type Pair = ReturnType<typeof pair>;
const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

interface Holder { readonly certificate: Certificate; readonly keys: Pair }

async function issue(subject: string, profile: 'root' | 'sub-ca' | 'tls-server', by?: Holder, keys = pair()): Promise<Holder> {
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' });
  const prepared = prepareCertificate({ ...CONTENT, subject, profile, ...(profile === 'tls-server' ? { san: ['dns:www.example.org'] } : {}) }, { spki, encrypts: false }, by);
  const issuer = by === undefined ? { name: prepared.subject, spki } : { name: by.certificate.subject.der, spki: by.certificate.spki };
  return { keys, certificate: await signCertificate(prepared, issuer, 'ecdsa-sha256', async (_algorithm, message) => sign('sha256', message, (by?.keys ?? keys).privateKey)) };
}

/** Reading and listing ten thousand certificates, what of them ends soon, and a path of three against node:crypto's own reading and signature checks of it. */
export async function* certificateBenchmarks(): AsyncGenerator<Ratio | Reading> {
  const root = await issue('CN=Root', 'root');
  const middle = await issue('CN=Authority', 'sub-ca', root);
  const server = await issue('CN=www.example.org', 'tls-server', middle);
  const shared = pair();
  const many: Certificate[] = [];
  for (let index = 0; index < MANY; index++) many.push((await issue(`CN=host${index}.example.org,O=Example`, 'tls-server', middle, shared)).certificate);
  const bundle = Buffer.from(many.map((one) => one.toPem()).join(''));

  await using core = await benchCore();
  await core.core.call('certificates.import', { content: bundle.toString('base64url') }, { principal: OWNER });
  const listed = async (): Promise<number> => {
    let count = 0;
    for (let cursor: string | undefined; ; ) {
      const page = (await core.core.call('certificates.list', { limit: 1000, ...(cursor === undefined ? {} : { cursor }) }, { principal: OWNER })) as { certificates: unknown[]; cursor: string | null };
      count += page.certificates.length;
      if (page.cursor === null) return count;
      cursor = page.cursor;
    }
  };
  const took: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    took.push(await seconds(async () => {
      for (const one of readCertificates(bundle)) {
        titleOf(one);
        factsOf(one);
      }
      if ((await listed()) !== MANY) throw new Error('not all are listed');
    }));
  }
  yield reading(`${MANY} certificates read and listed`, took, 's', 2);

  const radar: number[] = [];
  for (let round = 0; round < ROUNDS * 3; round++) radar.push(1000 * (await seconds(() => core.core.call('certificates.expiring', { days: 60 }, { principal: OWNER }))));
  yield reading(`what ends soon among ${MANY} certificates`, radar, 'ms', 50);

  const ders = [server, middle, root].map(({ certificate }) => Buffer.from(certificate.der));
  const repeated = async (work: () => void): Promise<number> => (await seconds(() => { for (let count = 0; count < 300; count++) work(); })) * (1000 / 300);
  yield await compare('a path of three verified, from its bytes', 'ms', { most: 3 },
    () => repeated(() => {
      const [end, between, top] = ders.map((der) => new X509Certificate(der)) as [X509Certificate, X509Certificate, X509Certificate];
      if (!end.verify(between.publicKey) || !between.verify(top.publicKey)) throw new Error('node:crypto does not verify it');
    }),
    () => repeated(() => {
      const [end, between, top] = ders.map((der) => new Certificate(der)) as [Certificate, Certificate, Certificate];
      const verdict = verifyCertificate({
        certificate: end, untrusted: [between], roots: [top], crls: [], ocsp: [], revoked: new Map(), at: new Date(), purpose: 'tls-server', names: [{ kind: 'dns', text: 'www.example.org' }], maxDepth: 10,
        policies: { initial: [], requireExplicit: false, inhibitMapping: false, inhibitAny: false }, revocation: 'off', strict: true, strictRoots: true, extendedKeyUsages: [],
      });
      if (!verdict.trusted) throw new Error(verdict.verdict);
    }));
}
