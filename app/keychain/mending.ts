import { commandLine, quote } from '../contract/command-line.ts';
import { convert } from '../contract/conversion.ts';
import {
  certificateMakingOperations, encryptionOperations, fileOperations, KEY_ALGORITHMS, type KeyAlgorithmName, keyOperations, KeywrightError, type Mending, type MendingName, type Operation, storeOperations, tokenOperations,
} from '../contract/index.ts';
import type { StoredCertificate } from './certificate-inventory.ts';
import { whyNot } from './capabilities.ts';
import { livingKeys } from './handlers/certificate-records.ts';
import { fileNameOf } from './handlers/file-names.ts';
import type { CmsRecipient, Hint } from './inspector/finding.ts';
import type { StoredKey } from './inventory.ts';
import type { Session } from './session.ts';

/** Turns what would mend a finding into calls that can be made here: with the keys and certificates of this store, and none that would be refused. */

/** What a finding is about. */
export interface Subject {
  /** What to call a key that takes its place. */
  readonly title: string;
  /** `SHA256:` and hex of the SubjectPublicKeyInfo. */
  readonly publicKey: string | null;
  /** Id of a certificate. */
  readonly certificate: string | null;
  /** What kind of key, where it is one that we handle. */
  readonly algorithm: KeyAlgorithmName | null;
  /** OpenSSH's kinds are replaced by such. */
  readonly isSsh?: boolean;
}

const OPERATIONS = {
  'files.convert': convert, 'files.decrypt': encryptionOperations.decryptFiles, 'files.sign': fileOperations.sign, 'keys.import': keyOperations.importKeys, 'keys.rotate': keyOperations.rotate, 'keys.generate': keyOperations.generate,
  'keys.delete': keyOperations.remove, 'certificates.renew': certificateMakingOperations.renew, 'certificates.request': certificateMakingOperations.request,
  'keys.restore': keyOperations.restore, 'store.backup': storeOperations.backup,
  'tokens.change-pin': tokenOperations.changePin, 'tokens.unblock-pin': tokenOperations.unblockPin, 'tokens.change-puk': tokenOperations.changePuk, 'tokens.set-management-key': tokenOperations.setManagementKey,
} as const satisfies Record<Mending['operation'], Operation>;

/** What can be done to a token without choosing anything first. */
export const TOKEN_MENDINGS = ['change-pin', 'unblock-pin', 'change-puk', 'set-management-key'] as const;
export type TokenMending = (typeof TOKEN_MENDINGS)[number];

/** Endings of what a conversion writes. */
const ENDINGS: Readonly<Record<string, string>> = { pem: 'pem', pkcs8: 'pem', openssh: 'key', ppk: 'ppk', jwe: 'jwe', pkcs12: 'p12', minisign: 'key', signify: 'sec' };
const SIGNATURES: Readonly<Record<string, string>> = { cms: '.p7s' };
/** More certificates than this are not looked through for one key identifier. */
const MOST_LOOKED_AT = 1000;

export class Mender {
  readonly #session: Session;
  /** The file that was looked into, as it is named on a command line; undefined when nobody said. */
  readonly #file: string | undefined;

  constructor(session: Session, file?: string) {
    this.#session = session;
    this.#file = file;
  }

  /** @param whole the form in which all of a file of several parts is written, where it has several */
  async mend(hint: Hint, subject: Subject, whole: 'pem' | undefined): Promise<Mending[]> {
    switch (hint.kind) {
      case 'convert': case 'protect': return [this.#convert(hint.kind, whole ?? hint.format)];
      case 'import': return subject.publicKey !== null && livingKeys(subject.publicKey, this.#session).length > 0 ? [] : [this.#made('import', 'keys.import', {}, null)];
      case 'new-key': return this.newKey(subject);
      case 'renew': return subject.certificate === null ? [] : this.#renew(subject.certificate);
      case 'reencrypt': return this.#reencrypt(hint.recipients, hint.passphrase);
      case 'sign': return subject.publicKey === null ? [] : this.#sign(hint.format, subject.publicKey);
    }
  }

  /** Another key in place of a weak one: with its certificate where that can be made anew here, in its place where the key is held, else a new one beside it. */
  async newKey({ title, publicKey, certificate, algorithm, isSsh = false }: Subject): Promise<Mending[]> {
    const held = publicKey === null ? [] : livingKeys(publicKey, this.#session);
    const rotatable = await this.#rotatable(held);
    const stored = certificate === null ? undefined : this.#living(certificate);
    if (rotatable !== undefined && stored !== undefined && stored.type === undefined && rotatable.protection !== 'store+passphrase' && (await this.#canRenew(stored))) return [this.#made('renew-key', 'certificates.renew', { certificate: stored.id, newKey: true }, stored.label)];
    if (rotatable !== undefined) return [this.rotate(rotatable)];
    const label = (held[0]?.label ?? (title === algorithm ? '' : title)).trim().slice(0, 190) || 'Key';
    return [this.#made('generate', 'keys.generate', { algorithm: successorOf(algorithm, isSsh), label: `${label} (new)` }, label)];
  }

  rotate({ uri, label }: StoredKey): Mending {
    return this.#made('rotate', 'keys.rotate', { key: uri }, label);
  }

  /** A certificate of a key that others share, anew with a key of its own. */
  async renewWithNewKey(certificate: StoredCertificate): Promise<Mending[]> {
    const rotatable = await this.#rotatable(livingKeys(certificate.publicKey, this.#session));
    return rotatable !== undefined && rotatable.protection !== 'store+passphrase' && (await this.#canRenew(certificate)) ? [this.#made('renew-key', 'certificates.renew', { certificate: certificate.id, newKey: true }, certificate.label)] : [];
  }

  /** A copy of a key, into the trash. What is in a token has none. */
  trash({ uri, label, hardware }: StoredKey): Mending[] {
    return hardware === null ? [this.#made('trash', 'keys.delete', { key: uri }, label)] : [];
  }

  restoreKey({ uri, label }: StoredKey): Mending {
    return this.#made('restore', 'keys.restore', { key: uri }, label);
  }

  /** @param name of the store */
  backup(name: string): Mending {
    return this.#made('backup', 'store.backup', {}, name, fileNameOf(name, 'kwb'));
  }

  /** A secret of a token that is changed or unblocked. A management key becomes a random one behind the PIN: that is what is recommended. */
  ofToken(action: TokenMending, token: string, label: string): Mending {
    return this.#made(action, `tokens.${action}`, action === 'set-management-key' ? { token, protect: true } : { token }, label);
  }

  #convert(key: 'convert' | 'protect', format: string): Mending {
    return this.#made(key, 'files.convert', { format }, null, this.#written(ENDINGS[format] ?? 'out'));
  }

  async #renew(id: string): Promise<Mending[]> {
    const stored = this.#living(id);
    if (stored === undefined) return [];
    if (await this.#canRenew(stored)) return [this.#made('renew', 'certificates.renew', { certificate: stored.id }, stored.label)];
    const [key] = stored.type === undefined ? livingKeys(stored.publicKey, this.#session) : [];
    return key === undefined || stored.selfSigned ? [] : [this.#made('request', 'certificates.request', { key: key.uri, ...(stored.subject === '' ? {} : { subject: stored.subject }), ...(stored.names.length === 0 ? {} : { san: [...stored.names] }) }, stored.label, fileNameOf(stored.label, 'csr'))];
  }

  async #reencrypt(recipients: readonly CmsRecipient[], passphrase: boolean): Promise<Mending[]> {
    const named = await this.#named(recipients);
    // Somebody must open it first: a passphrase that a person knows, or a key for it that is here and may.
    if (!passphrase && !named.some((id) => this.#opens(id))) return [];
    const input = { recipients: named, ...(passphrase ? { toPassphrase: true } : {}), format: 'cms' };
    const encrypting = commandLine('files.encrypt', { files: ['-'], ...input }, { cli: encryptionOperations.encryptFiles.cli });
    return [{ ...this.#made('reencrypt', 'files.decrypt', {}, null), next: { operation: 'files.encrypt', input }, command: `keywright files decrypt ${this.#fileWord()} --out - | ${encrypting} --out ${quote(this.#written('p7m'))}` }];
  }

  #sign(format: string, publicKey: string): Mending[] {
    const [key] = livingKeys(publicKey, this.#session);
    if (key === undefined) return [];
    // The file that was signed, by the usual name: the signature's without its ending.
    const ending = SIGNATURES[format];
    const original = ending !== undefined && this.#file?.endsWith(ending) === true ? this.#file.slice(0, -ending.length) : undefined;
    return [{ ...this.#made('sign', 'files.sign', { key: key.uri, format }, key.label), command: commandLine('files.sign', { files: [original ?? 'FILE'], key: key.uri, format, ...(original === undefined ? {} : { 'out.path': `${original}-mended${ending}` }) }, { cli: OPERATIONS['files.sign'].cli }) }];
  }

  #made(key: MendingName, operation: Mending['operation'], input: Record<string, unknown>, about: string | null, out?: string): Mending {
    const { cli } = OPERATIONS[operation] as Operation;
    const takesFile = operation === 'files.convert' || operation === 'keys.import' || operation === 'files.decrypt';
    const command = commandLine(operation, takesFile ? { ...input, content: true } : input, { cli: cli ?? {}, ...(this.#file === undefined ? {} : { file: this.#file }) });
    return { key, operation, input, about, takesFile, next: null, command: out === undefined ? command : `${command} --out ${quote(out)}` };
  }

  #fileWord(): string {
    return this.#file === undefined ? 'FILE' : quote(/^-./.test(this.#file) ? `./${this.#file}` : this.#file);
  }

  /** @returns a name for what is made of the file: beside it, and another than its own. */
  #written(ending: string): string {
    const name = this.#file === undefined || this.#file === '-' ? 'file' : this.#file;
    return `${name.startsWith('-') ? './' : ''}${name.replace(/(?<=[^/\\])\.[^./\\]{1,10}$/, '')}-mended.${ending}`;
  }

  #living(id: string): StoredCertificate | undefined {
    const stored = this.#session.certificates.get(id);
    return stored === undefined || stored.trashedUntil !== null || stored.revoked !== null ? undefined : stored;
  }

  /** Whether its authority, or for its own its key, is held here. */
  async #canRenew(stored: StoredCertificate): Promise<boolean> {
    if (stored.type === 'openssh') return livingKeys(stored.issuerId, this.#session).length > 0;
    if (livingKeys(stored.publicKey, this.#session).length === 0) return false;
    if (stored.selfSigned) return true;
    const issuer = await readable(() => this.#session.certificates.issuerOf(stored));
    return issuer !== undefined && this.#living(issuer.id) !== undefined && livingKeys(issuer.publicKey, this.#session).length > 0;
  }

  /** @returns the first whose place makes new versions, of an algorithm that is worth another. */
  async #rotatable(keys: readonly StoredKey[]): Promise<StoredKey | undefined> {
    for (const key of keys) {
      if (key.state === 'compromised' || successorOf(key.algorithm, false) !== key.algorithm) continue;
      const store = await readable(() => this.#session.backends.storeOf(key));
      if (store?.rotator !== undefined) return key;
    }
    return undefined;
  }

  /** Whether a key of a certificate is here, and may decrypt. */
  #opens(certificate: string): boolean {
    const stored = this.#session.certificates.get(certificate);
    if (stored === undefined) return false;
    return livingKeys(stored.publicKey, this.#session).some((key) => whyNot(key, 'decrypt') === null || whyNot(key, 'derive') === null);
  }

  /** @returns ids of certificates held here that a message is for. */
  async #named(recipients: readonly CmsRecipient[]): Promise<string[]> {
    const found = new Set<string>();
    const all = [...this.#session.certificates.all()].filter(({ trashedUntil }) => trashedUntil === null);
    for (const recipient of recipients) {
      const candidates = 'serial' in recipient ? all.filter(({ serial }) => serial === recipient.serial) : all.slice(0, MOST_LOOKED_AT);
      for (const { id } of candidates) {
        const certificate = await readable(() => this.#session.certificates.read(id));
        if (certificate !== undefined && ('serial' in recipient ? Buffer.from(certificate.issuer.der).equals(recipient.issuer) : Buffer.from(certificate.subjectKeyIdentifier ?? []).toString('hex') === recipient.keyId)) found.add(id);
      }
    }
    return [...found];
  }
}

/** @returns what to generate in place of a key: the same where that is sound. */
function successorOf(algorithm: KeyAlgorithmName | null, isSsh: boolean): KeyAlgorithmName {
  if (algorithm === null) return isSsh ? 'ed25519' : 'ec-p256';
  const { family, bits } = KEY_ALGORITHMS[algorithm];
  return family === 'rsa' && bits < 2048 ? 'rsa-3072' : algorithm;
}

/** What is damaged or away here mends nothing, and keeps nobody from the rest. */
async function readable<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}
