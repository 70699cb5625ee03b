import { extname } from 'node:path';
import { because, KEY_ALGORITHMS, type KeyAlgorithmFacts, type KeyAlgorithmName, SIGNATURE_ALGORITHMS, type SignatureAlgorithmFacts, type SignatureAlgorithmName, type SignatureFormatName, type SignatureFormName, signatureAlgorithmsOf, type Told } from '../contract/index.ts';
import { COSE_ALGORITHMS, JOSE_ALGORITHMS } from './names.ts';
import { sshAlgorithmsOf } from './ssh-signature.ts';
import { XML_ALGORITHMS } from './xml/names.ts';
import { openpgpAlgorithmsOf } from './openpgp/signature.ts';
import type { FormatModule, SignOptionName, SignOptions } from './format.ts';

/** Which key can make which signature format, and why not the rest. A new format is a new row here and a module beside this one. */

type Judgement = { readonly algorithms: readonly SignatureAlgorithmName[] } | { readonly refused: Told };

export interface SignatureFormatFacts {
  /** @returns the signature algorithms with which a key of `algorithm` that signs can make it, the recommended one first, or why it cannot. */
  judge(algorithm: KeyAlgorithmName): Judgement;
  /** Options that it takes, besides the algorithm. */
  readonly options: readonly SignOptionName[];
  /** Ways to write it, the default first. */
  readonly forms: readonly SignatureFormName[];
  /** Whether the signature lies in a file of its own: a choice is made with `detached`, which is then the default. */
  readonly detached: 'always' | 'never' | 'choice';
  /** What is added to the file's name. */
  suffix(options: Pick<SignOptions, 'form' | 'detached'>, path?: string): string;
  /** Whether what is written is a copy of the file with the signature within: the suffix then goes before the name's ending, so that the copy is opened as the file is. */
  copy?(options: Pick<SignOptions, 'form' | 'detached'>, path?: string): boolean;
  /** Signatures, and so touches, a file. */
  readonly uses: number;
  /** Whether a pure scheme must have the whole file here: it then takes at most 256 MiB, and less in a token. False: what is signed is short whatever the file's size. */
  readonly wholeForPure: boolean;
  /** Bytes of the largest file, where it is read as a whole. */
  readonly largest?: number;
  /** Signers are named by certificates: without one it is not made (`true`), or it has a place for one. */
  readonly certificates?: true | 'optional';
  /** Its module, loaded when it is first needed. */
  load(): Promise<FormatModule>;
}

const fixed = (suffix: string) => () => suffix;

/** @returns a judgement by a format's names for algorithms. */
const named = (names: Readonly<Partial<Record<SignatureAlgorithmName, (key: KeyAlgorithmName) => unknown>>>, standard: string) => (key: KeyAlgorithmName): Judgement => {
  const algorithms = signatureAlgorithmsOf(key).filter((name) => names[name]?.(key) !== undefined);
  return algorithms.length > 0 ? { algorithms } : { refused: key === 'rsa-1024' ? because('format.rsa-2048', { standard }) : because('format.no-name', { standard, algorithm: key }) };
};
const TOO_SHORT = because('format.rsa-1024', {});
const CONTAINER = /\.(asice|asics|sce|scs)$/i;
/** The older padding first: xmlsec before 1.3 has no PSS. */
function byCertificateInXml(key: KeyAlgorithmName): Judgement {
  if (key === 'rsa-1024') return { refused: TOO_SHORT };
  const algorithms = olderPaddingFirst(key).filter((name) => XML_ALGORITHMS[name] !== undefined);
  return algorithms.length > 0 ? { algorithms } : { refused: because('format.no-name', { standard: 'XML', algorithm: key }) };
}
/** The keys of Java's and Android's own verifiers. */
const JAR_KEYS = /^(rsa-\d+|ec-p\d+|ed25519|ed448)$/;
const olderPaddingFirst = (key: KeyAlgorithmName): SignatureAlgorithmName[] => [...signatureAlgorithmsOf(key)].sort((a, b) => Number(b === 'rsa-pkcs1-sha256') - Number(a === 'rsa-pkcs1-sha256'));
/** ISO 32000-2 §12.8.3.3, and ISO/TS 32002 for the curves beyond NIST's. */
const PDF_KEYS = /^(rsa-|ec-p|ec-brainpool|ed25519$|ed448$)/;
const pureEd25519 = (program: string) => (key: KeyAlgorithmName): Judgement =>
  (key === 'ed25519' ? { algorithms: ['ed25519'] } : { refused: because('format.pure-ed25519', { program, algorithm: key }) });

export const SIGNATURE_FORMATS: Readonly<Record<SignatureFormatName, SignatureFormatFacts>> = {
  raw: {
    judge: (algorithm) => ({ algorithms: signatureAlgorithmsOf(algorithm) }),
    options: ['encoding', 'form'], forms: ['binary', 'base64'], detached: 'always', suffix: fixed('.sig'), uses: 1, wholeForPure: true,
    load: async () => (await import('./bare.ts')).bare,
  },
  sshsig: {
    judge: (key) => {
      const algorithms = sshAlgorithmsOf(key);
      return algorithms.length > 0 ? { algorithms } : { refused: because('format.no-key-type', { standard: 'OpenSSH', algorithm: key }) };
    },
    options: ['namespace', 'certificate'], forms: [], detached: 'always', suffix: fixed('.sig'), uses: 1, wholeForPure: false,
    load: async () => (await import('./sshsig.ts')).sshsig,
  },
  minisign: {
    judge: pureEd25519('minisign'),
    options: ['comment', 'prehash'], forms: [], detached: 'always', suffix: fixed('.minisig'), uses: 2, wholeForPure: false,
    load: async () => (await import('./minisign.ts')).minisign,
  },
  signify: {
    judge: pureEd25519('signify'),
    options: [], forms: [], detached: 'always', suffix: fixed('.sig'), uses: 1, wholeForPure: true,
    load: async () => (await import('./minisign.ts')).signify,
  },
  jws: {
    judge: named(JOSE_ALGORITHMS, 'JOSE'),
    options: ['form', 'detached', 'payloadType', 'certificate'], forms: ['compact', 'json'], detached: 'choice', suffix: fixed('.jws'), uses: 1, wholeForPure: true, certificates: 'optional',
    load: async () => (await import('./jws.ts')).jws,
  },
  jwt: {
    judge: named(JOSE_ALGORITHMS, 'JOSE'),
    options: ['payloadType', 'certificate'], forms: [], detached: 'never', suffix: fixed('.jwt'), uses: 1, wholeForPure: false, largest: 2 ** 20, certificates: 'optional',
    load: async () => (await import('./jws.ts')).jwt,
  },
  dsse: {
    judge: (key) => ({ algorithms: signatureAlgorithmsOf(key) }),
    options: ['payloadType'], forms: [], detached: 'never', suffix: fixed('.dsse.json'), uses: 1, wholeForPure: false, largest: 64 * 2 ** 20,
    load: async () => (await import('./dsse.ts')).dsse,
  },
  cose: {
    judge: named(COSE_ALGORITHMS, 'COSE'),
    options: ['detached', 'payloadType', 'certificate'], forms: [], detached: 'choice', suffix: fixed('.cose'), uses: 1, wholeForPure: true, certificates: 'optional',
    load: async () => (await import('./cose.ts')).cose,
  },
  cms: {
    // The older padding first: some readers of CMS have no PSS.
    judge: (key) => (key === 'rsa-1024' ? { refused: TOO_SHORT } : { algorithms: olderPaddingFirst(key) }),
    options: ['form', 'detached', 'certificate', 'signature', 'counter', 'timestamp'], forms: ['der', 'pem', 'smime'], detached: 'choice', uses: 1, wholeForPure: false, certificates: true,
    suffix: ({ form, detached = true }) => (form === 'smime' ? '.eml' : detached ? '.p7s' : '.p7m'),
    load: async () => (await import('./cms/index.ts')).cms,
  },
  openpgp: {
    judge: (key) => {
      const algorithms = openpgpAlgorithmsOf(key);
      return algorithms.length > 0 ? { algorithms } : { refused: key === 'rsa-1024' ? because('format.rsa-2048', { standard: 'OpenPGP (RFC 9580 §12.4)' }) : because('format.no-key-type', { standard: 'OpenPGP', algorithm: key }) };
    },
    options: ['form', 'openpgp'], forms: ['armor', 'binary', 'clear'], detached: 'always', uses: 1, wholeForPure: false, suffix: ({ form }) => (form === 'binary' ? '.sig' : '.asc'),
    load: async () => (await import('./openpgp/index.ts')).openpgp,
  },
  jar: {
    judge: (key) => {
      if (key === 'rsa-1024') return { refused: TOO_SHORT };
      return JAR_KEYS.test(key) ? { algorithms: olderPaddingFirst(key) } : { refused: because('format.archive-keys', { algorithm: key }) };
    },
    options: ['certificate', 'timestamp'], forms: [], detached: 'never', suffix: fixed('.signed'), copy: () => true, uses: 1, wholeForPure: false, certificates: true,
    load: async () => (await import('./jar/index.ts')).jar,
  },
  pdf: {
    judge: (key) => {
      if (key === 'rsa-1024') return { refused: TOO_SHORT };
      return PDF_KEYS.test(key) ? { algorithms: olderPaddingFirst(key) } : { refused: because('format.pdf-keys', { algorithm: key }) };
    },
    options: ['certificate', 'timestamp', 'reason', 'location', 'contact', 'signerName', 'page', 'rectangle', 'field'], forms: [], detached: 'never', suffix: fixed('.signed'), copy: () => true, uses: 1, wholeForPure: false, largest: 256 * 2 ** 20, certificates: true,
    load: async () => (await import('./pdf/index.ts')).pdf,
  },
  xml: {
    judge: byCertificateInXml,
    options: ['detached', 'certificate', 'timestamp'], forms: [], detached: 'choice', suffix: ({ detached = true }) => (detached ? '.xades.xml' : '.signed'), copy: ({ detached = true }) => !detached, uses: 1, wholeForPure: false, certificates: true,
    load: async () => (await import('./xml/index.ts')).xml,
  },
  asic: {
    judge: byCertificateInXml,
    options: ['certificate', 'timestamp', 'together'], forms: [], detached: 'never', uses: 1, wholeForPure: false, certificates: true,
    // What is a container already gets another signature within.
    suffix: (_, path = '') => (CONTAINER.test(path) ? '.signed' : '.asice'), copy: (_, path = '') => CONTAINER.test(path),
    load: async () => (await import('./asic/index.ts')).asic,
  },
  timestamp: {
    judge: () => ({ refused: because('format.by-authority', {}) }),
    options: [], forms: [], detached: 'always', suffix: fixed('.tsr'), uses: 0, wholeForPure: false, certificates: true,
    load: async () => (await import('./timestamp/verify.ts')).timestamp,
  },
};
export const SIGNATURE_FORMAT_NAMES = Object.keys(SIGNATURE_FORMATS) as SignatureFormatName[];

export interface FormatRow {
  readonly format: SignatureFormatName;
  readonly available: boolean;
  readonly algorithms: readonly SignatureAlgorithmName[];
  /** Why not, in a sentence; null when it is available. */
  readonly reason: string | null;
  /** The same by its key, for faces that speak another language. */
  readonly why: Pick<Told, 'reason' | 'values'> | null;
  /** What it can be made of, where that is not everything. */
  readonly limit: string | null;
  /** Signatures, and so touches, a file. */
  readonly uses: number;
  readonly forms: readonly SignatureFormName[];
  readonly suffix: string;
  /** The suffix goes before the ending. */
  readonly copy: boolean;
  readonly detached: SignatureFormatFacts['detached'];
  /** Where there is a choice: `suffix` and `copy` of a signature with the signed file inside. */
  readonly inside: { readonly suffix: string; readonly copy: boolean } | null;
}

/** @returns a row for each format, as `formatOf` has it. */
export function formatsOf(algorithm: KeyAlgorithmName, unable: Told | null = null): FormatRow[] {
  return SIGNATURE_FORMAT_NAMES.map((format) => formatOf(format, algorithm, unable));
}

/** @param unable why the key signs nothing at all now, whatever the format: it is in the trash, suspended, made for something else. @returns what keys of `algorithm` make of a format, or why they do not. */
export function formatOf(format: SignatureFormatName, algorithm: KeyAlgorithmName, unable: Told | null = null): FormatRow {
  const { uses, forms, suffix, copy, detached } = SIGNATURE_FORMATS[format];
  const judged = judgeFormat(format, algorithm);
  const refused = 'refused' in judged ? judged.refused : unable;
  const named = (options: Pick<SignOptions, 'detached'>): { suffix: string; copy: boolean } => ({ suffix: suffix(options), copy: copy?.(options) === true });
  const row = { format, uses, forms, ...named({}), detached, inside: detached === 'choice' ? named({ detached: false }) : null };
  return refused !== null || 'refused' in judged
    ? { ...row, available: false, algorithms: [], reason: refused?.detail ?? null, why: refused === null ? null : { reason: refused.reason, values: refused.values }, limit: null }
    : { ...row, available: true, algorithms: judged.algorithms, reason: null, why: null, limit: limitOf(format, judged.algorithms) };
}

/** @returns with which algorithms a key can make a format, the recommended one first, or why it cannot. */
export function judgeFormat(format: SignatureFormatName, algorithm: KeyAlgorithmName): Judgement {
  const facts: KeyAlgorithmFacts = KEY_ALGORITHMS[algorithm];
  return facts.usages.includes('sign') ? SIGNATURE_FORMATS[format].judge(algorithm) : { refused: whyNoSignature(algorithm) };
}

/**
 * @returns formats in which a key signs a file of any size whatever its scheme, since what they sign is short: it names the file's digest.
 *   Those that are for one kind of file alone (an archive, a PDF) are not among them.
 */
export function formatsOfAnySize(algorithm: KeyAlgorithmName): SignatureFormatName[] {
  return SIGNATURE_FORMAT_NAMES.filter((format) => {
    const { wholeForPure, largest, copy } = SIGNATURE_FORMATS[format];
    return !wholeForPure && largest === undefined && copy?.({}) !== true && 'algorithms' in judgeFormat(format, algorithm);
  });
}

/** @returns where a file's signature goes that lies beside it. */
export function placeBeside(path: string, format: SignatureFormatName, options: Pick<SignOptions, 'form' | 'detached'>): string {
  const { suffix, copy } = SIGNATURE_FORMATS[format];
  const ending = copy?.(options, path) === true ? extname(path) : '';
  return `${path.slice(0, path.length - ending.length)}${suffix(options, path)}${ending}`;
}

function limitOf(format: SignatureFormatName, algorithms: readonly SignatureAlgorithmName[]): string | null {
  const { hash }: SignatureAlgorithmFacts = SIGNATURE_ALGORITHMS[algorithms[0] as SignatureAlgorithmName];
  const { largest } = SIGNATURE_FORMATS[format];
  if (largest !== undefined) return `Files of at most ${largest / 2 ** 20} MiB, which are read as a whole.`;
  return hash === null && SIGNATURE_FORMATS[format].wholeForPure ? 'Files of at most 256 MiB, and in a token what its buffer holds: a pure scheme signs the file itself and not its digest.' : null;
}

function whyNoSignature(algorithm: KeyAlgorithmName): Told {
  const { kind, family } = KEY_ALGORITHMS[algorithm];
  if (family === 'hmac') return because('format.mac', { algorithm });
  if (kind === 'symmetric') return because('format.symmetric', { algorithm });
  return because(family === 'ml-kem' ? 'format.encapsulates' : 'format.agrees', { algorithm });
}
