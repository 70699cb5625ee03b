/** What the readers must say of the corpora, where that does not follow from the files around them. */

interface Judged {
  readonly pattern: RegExp;
  readonly verdict: string;
  readonly why: string;
}

/** Private keys of pyca's corpus that we judge otherwise than pyca/cryptography 46 does; the first that fits counts. */
export const JUDGED_DIFFERENTLY: readonly Judged[] = [
  { pattern: /\/dsa[-_.]|unenc-dsa/, verdict: 'CAPABILITY_MISSING', why: 'DSA is obsolete' },
  { pattern: /rsa_pss_2048/, verdict: 'CAPABILITY_MISSING', why: 'RSA restricted to PSS is no algorithm of ours' },
  { pattern: /non_zero_unused_bits/, verdict: 'INVALID_INPUT', why: 'not DER: unused bits that are not zero' },
  { pattern: /MLDSA\/mldsa44_priv/, verdict: 'ml-dsa-44', why: 'pyca 46 was built without post-quantum algorithms' },
  { pattern: /MLDSA\/mldsa65_noseed_priv/, verdict: 'ml-dsa-65', why: 'the same' },
  { pattern: /MLKEM\/mlkem768/, verdict: 'ml-kem-768', why: 'the same' },
];

/** Kinds of files by their names; files that no line names may be anything, but never a crash. */
export const EXPECTED_KINDS: readonly { readonly pattern: RegExp; readonly kinds: readonly string[] }[] = [
  { pattern: /\.(?:p12|pfx)$/, kinds: ['pkcs12'] },
  { pattern: /^pyca\/x509\/custom\/crl_[^/]*\.pem$/, kinds: ['crl'] },
  { pattern: /^pyca\/pkcs7\/.*\.(?:p7b|der)$/, kinds: ['cms'] },
  { pattern: /^tss2\/.*\.(?:tpm|pem)$/, kinds: ['tss2'] },
  { pattern: /^minisign\/.*\.(?:minisig|pub)$/, kinds: ['minisign'] },
  { pattern: /^minisign\/.*\.key$/, kinds: ['minisign-secret'] },
  { pattern: /^ssh\/.*-cert\.pub$|^ssh\/authopt\/testdata\/.*\.cert$|^pyca\/.*\/certs\/.*\.pub$/, kinds: ['openssh-certificate'] },
  { pattern: /^ssh\/sshkey\/testdata\/[a-z0-9_]+\.pub$|^pyca\/asymmetric\/OpenSSH\/[a-z0-9-]+\.key\.pub$/, kinds: ['openssh-public'] },
  { pattern: /^ssh\/sshsig\/testdata\/.*\.sig$/, kinds: ['sshsig'] },
  { pattern: /^ssh\/hostkeys\/testdata\/known_hosts$/, kinds: ['known-hosts'] },
  { pattern: /^lamps-pq\/.*\.crt$/, kinds: ['certificate'] },
  { pattern: /^lamps-pq\/.*\.priv$/, kinds: ['pkcs8'] },
  { pattern: /^lamps-pq\/.*\.pub$/, kinds: ['public-key'] },
  { pattern: /^pyca\/asymmetric\/OpenSSH\/[a-z0-9-]+\.key$/, kinds: ['openssh-private'] },
  { pattern: /^cms\/.*\.cms$/, kinds: ['cms', 'smime'] },
];
