import { KEY_ALGORITHMS, type keyOperations, type OutputOf } from '../../contract/index.ts';
import { CAN_ENCRYPT, FORMAT_NAMES, KEY_FILE_FORMATS, MUST_ENCRYPT, PUBLIC_KEY_FORMATS, whyNot, whyNotPublic, type KeyFileFormat, type PublicKeyFormat } from '../../formats/index.ts';
import { primary, type StoredKey } from '../inventory.ts';
import type { HandlersOf } from './handlers.ts';

/** As which files a key can be had: a row for each format, with the reason where it cannot. */

type Row = OutputOf<typeof keyOperations.formats>['formats'][number];

export const OPENS: Readonly<Record<KeyFileFormat, string>> = {
  pkcs8: 'OpenSSL, Java, .NET, Go and nearly all else', pkcs1: 'old programs for RSA', sec1: 'old programs for elliptic curves', jwk: 'JOSE libraries and web browsers', jwe: 'JOSE libraries',
  openssh: 'OpenSSH', ppk: 'PuTTY, WinSCP and FileZilla', pkcs12: 'Windows, macOS, Java, browsers and mail programs', jks: 'Java', bks: 'Bouncy Castle and Android', cose: 'COSE libraries', age: 'age', minisign: 'minisign', signify: 'signify of OpenBSD', raw: 'who knows what the bytes are',
};
export const PUBLIC: Readonly<Record<PublicKeyFormat, readonly [title: string, opens: string]>> = {
  pem: ['PEM (SubjectPublicKeyInfo)', 'OpenSSL and nearly all else'], der: ['DER (SubjectPublicKeyInfo)', 'OpenSSL, Java and .NET'], jwk: ['JWK', 'JOSE libraries and web browsers'], openssh: ['OpenSSH line', 'OpenSSH: authorized_keys, known_hosts, allowed_signers'],
  minisign: ['minisign public key', 'minisign and signify'], cose: ['COSE_Key', 'COSE libraries'], age: ['age recipient', 'age'],
};
const CERTIFICATE: readonly (readonly [format: string, title: string, opens: string, passphrase: Row['passphrase']])[] = [
  ['pem', 'Certificate (PEM)', 'web servers and nearly all else', 'none'], ['der', 'Certificate (DER)', 'Windows, Java and Android', 'none'], ['pkcs7', 'Certificates (PKCS#7, .p7b)', 'Windows and Java', 'none'],
  ['pkcs12', 'Certificate with its key (PKCS#12)', 'Windows, macOS, Java, browsers and mail programs', 'needed'], ['jwk', 'JWK with x5c', 'JOSE libraries', 'none'],
];

export const keyFormatHandlers: Pick<HandlersOf<'keys'>, 'keys.formats'> = {
  async 'keys.formats'(_input, { key, session }) {
    const certificates = key.versions.flatMap(({ fingerprint }) => (fingerprint === null ? [] : session.certificates.forKey(fingerprint)));
    return { formats: [...KEY_FILE_FORMATS.map((format) => privateRow(format, key)), ...PUBLIC_KEY_FORMATS.map((format) => publicRow(format, key)), ...certificateRows(key, certificates.length > 0)] };
  },
};

function row(part: Row['part'], operation: Row['operation'], facts: Omit<Row, 'part' | 'operation' | 'available' | 'reason'>, reason: string | null): Row {
  return { part, ...facts, available: reason === null, reason: reason === null ? null : `${/^(?:age|minisign|signify)\b/.test(reason) ? reason : reason.charAt(0).toUpperCase() + reason.slice(1)}.`, operation };
}

function privateRow(format: KeyFileFormat, key: StoredKey): Row {
  const reason = whyNot(key.algorithm, format, primary(key).seedless) ?? (key.extractable ? null : 'the key never leaves its place');
  const passphrase = MUST_ENCRYPT.has(format) ? 'needed' : CAN_ENCRYPT.has(format) ? 'possible' : 'none';
  return row('private', 'keys.export', { format, title: FORMAT_NAMES[format], passphrase, opens: OPENS[format] }, reason);
}

function publicRow(format: PublicKeyFormat, key: StoredKey): Row {
  const [title, opens] = PUBLIC[format];
  return row('public', 'keys.public', { format, title, passphrase: 'none', opens }, whyNotPublic(key.algorithm, format));
}

function certificateRows(key: StoredKey, hasCertificate: boolean): Row[] {
  const missing = KEY_ALGORITHMS[key.algorithm].kind === 'symmetric' ? 'it is a symmetric key, which has no certificate' : hasCertificate ? null : 'no certificate for this key is held here';
  return CERTIFICATE.map(([format, title, opens, passphrase]) => {
    const reason = missing ?? (format === 'pkcs12' && !key.extractable ? 'the key never leaves its place; its certificate alone can be had' : format === 'jwk' ? whyNotPublic(key.algorithm, 'jwk') : null);
    return row('certificate', 'certificates.export', { format, title, passphrase, opens }, reason);
  });
}
