const ANOTHER = 'Choose another key, or another format.';

/**
 * Why something fails, where people meet it often: a stable key with the English words beside it, so that a face in another
 * language says the same in its own. Names in braces are filled in. What is not listed here is said in English everywhere.
 */
export const REASONS = {
  // Stores
  'store.none': { detail: 'There is no store here yet.', remedy: 'Create one with `keywright store create`, or in the window.' },
  'store.locked': { detail: 'The store is locked.', remedy: 'Unlock it with `keywright store unlock`, or in the window.' },
  'store.locked-meanwhile': { detail: 'The store was locked while this was in flight.', remedy: 'Unlock it and try again.' },
  'store.exists': { detail: 'There is a store in {folder} already.', remedy: 'Unlock it, or choose another folder with --data-dir.' },
  'store.none-in': { detail: 'There is no store in {folder} yet.', remedy: 'Create one with `keywright store create`, or in the window.' },
  'store.too-new': { detail: 'The store was written by a newer version of Keywright.', remedy: 'Update Keywright.' },
  'store.full': { detail: 'There is no space left in {folder}.', remedy: 'Free some space.' },
  'store.no-folder': { detail: '{folder} cannot be a folder.', remedy: 'Choose another one.' },
  'store.read-only': { detail: '{folder} cannot be written.', remedy: 'Choose another folder with --data-dir, or mend its permissions.' },
  'store.last-slot': { detail: 'This is the last way to unlock the store.', remedy: 'Add another slot before you remove this one.' },
  'store.other-writer': { detail: 'Another process has written to this store. Nothing was changed.', remedy: 'Lock the store and unlock it again.' },
  'store.record-damaged': { detail: 'The record {name} is damaged, missing or was put back from another copy. All other records still work.', remedy: 'Run `keywright store verify` to see what else is damaged, and restore the store from a backup.' },
  // Secrets
  'secret.wrong': { detail: 'The {secret} is wrong.', remedy: 'Try again. Mind the keyboard layout and the shift lock.' },
  'secret.until-now-wrong': { detail: 'The passphrase until now is wrong. Nothing was changed.', remedy: 'Try again. If it is forgotten, add another passphrase (`keywright store slots add passphrase`, or in the settings) and remove the old one.' },
  'secret.guessed': { detail: 'Too many wrong passphrases. The next try is possible in {wait} seconds.', remedy: 'Wait, then try again; the recovery code unlocks the store too.' },
  'secret.opens-no-key': { detail: 'The passphrase does not open this key.', remedy: 'Try again; capital letters and the keyboard layout matter.' },
  'secret.opens-no-file': { detail: 'The passphrase does not open this file.', remedy: 'Try again.' },
  'secret.blocked': { detail: 'The {secret} of {token} is blocked: no tries are left.' },
  'secret.last-try': { detail: 'One try is left for the {secret} of {token}, and nobody agreed to spend it. Nothing was sent.', remedy: 'Enter it in the window or on a terminal, where the last try is agreed to by typing.' },
  'secret.not-asked': { detail: 'The prompt was closed without an answer. Nothing was sent to the token.' },
  'prompt.unanswered': { detail: 'Nobody answered the prompt within {minutes} min, so it was closed. Nothing was changed.', remedy: 'Start again when somebody is there. The setting prompts.waitMinutes says how long a prompt waits.' },
  'prompt.cancelled': { detail: 'The prompt was cancelled. Nothing was changed.' },
  'prompt.typed-otherwise': { detail: 'What was typed is not what was asked for. Nothing was changed.' },
  // What asks for attention
  'health.gone': { detail: 'There is no such finding any more.', remedy: 'See `keywright health list --hidden`.' },
  // Tokens
  'token.removed': { detail: 'The token was removed.', remedy: 'Put it back and try again.' },
  'token.not-touched': { detail: '{token} was not touched in time.', remedy: 'Try again, and touch it while it blinks.' },
  'token.unknown': { detail: 'There is no token “{name}” here.', remedy: 'Plug it in, and see `keywright tokens list`.' },
  'token.not-plugged-in': { detail: '{token} is not plugged in.', remedy: 'Plug it in and try again.' },
  'token.no-service': { detail: 'The system’s smart-card service stopped.', remedy: 'Start it again (`systemctl start pcscd.socket`); the token is then found by itself.' },
  'token.silent': { detail: 'The token in “{reader}” did not answer ({fault}).', remedy: 'Take it out, put it back, and try again.' },
  'token.reader-too-short': { detail: 'The token needs a longer command or answer for this than its reader carries.', remedy: 'Use a reader for extended APDUs, or plug the token into a USB port of this computer.' },
  'token.certificate-misfits': { detail: 'The certificate is for another key: {certificate}, and not {key}.', remedy: 'Choose the certificate that was issued for this key.' },
  'hsm.request-lost': { detail: 'What {token} signed when the key {slot} was made is no longer there: a certificate has taken its place.', remedy: 'Keywright keeps it when it writes the certificate itself. Of a key that was made elsewhere, it cannot be had again.' },
  'hsm.certificate-is-all': { detail: 'The certificate is all that tells the public key of this key, so it was not deleted: programs would no longer see the key.', remedy: 'Put another certificate in its place, or delete the key.' },
  'dkek.none': { detail: '{token} was set up without a DKEK, so its keys can neither be wrapped nor restored.', remedy: 'Only setting it up anew with DKEK shares changes that, and destroys its keys.' },
  'dkek.waits': { detail: '{token} still waits for {outstanding} of {shares} DKEK shares.', remedy: 'Import them first: `keywright tokens dkek import-share`.' },
  'dkek.complete': { detail: '{token} has all its DKEK shares already (key check value {value}).', remedy: 'A card takes other shares only after it was set up anew, which destroys its keys.' },
  'dkek.password': { detail: 'The password does not open this DKEK share. Nothing was sent to the token.', remedy: 'Enter the password that was chosen when the share was made, or the parts of it.' },
  'dkek.another': { detail: 'The key is wrapped under another DKEK than the one of {token}: key check value {wrapped}, and not {own}.', remedy: 'Use a token that was set up with the DKEK shares that the key was wrapped under.' },
  // Keys
  'key.notPluggedIn': { detail: 'No token that is plugged in has the key “{name}”.', remedy: 'Plug its token in and try again, or see `keywright keys list` and `keywright tokens list`.' },
  'key.unknown': { detail: 'There is no key “{name}”.', remedy: 'See `keywright keys list`.' },
  'key.ambiguous': { detail: '{count} keys are named by “{name}”.', remedy: 'Name the key by its URI.' },
  'key.in-trash': { detail: '“{key}” is in the trash.', remedy: 'Restore it first.' },
  'key.not-in-trash': { detail: '“{key}” is not in the trash.', remedy: 'Delete it first: it can be restored from the trash, but not after this.' },
  'key.algorithm-cannot': { detail: '{algorithm} keys cannot {use}.', remedy: 'Choose another key.' },
  'key.not-made-to': { detail: '“{key}” was not made to {use}.', remedy: 'Choose a key with that usage.' },
  'key.state-forbids': { detail: '“{key}” is {state}: it cannot {use} now.' },
  'key.not-extractable': { detail: '“{key}” is not extractable: it was made so that it never leaves its place.', remedy: 'Use it where it is, or generate an extractable one.' },
  'key.changed-meanwhile': { detail: '“{key}” was changed meanwhile.', remedy: 'Look at it again, then repeat the change.' },
  'key.no-public': { detail: '“{key}” is a symmetric key ({algorithm}): it has no public key.' },
  'backend.no-algorithm': { detail: '“{backend}” has no {algorithm} keys.', remedy: 'Choose one of the algorithms that it has, or another backend.' },
  'backend.holds-keys': { detail: '“{backend}” still holds keys ({count}), those in the trash included.', remedy: 'Move or purge them first.' },
  // Certificates
  'certificate.unknown': { detail: 'There is no certificate “{name}”.', remedy: 'See `keywright certificates list`.' },
  'certificate.ambiguous': { detail: '{count} certificates are called “{name}”.', remedy: 'Name the certificate by its id.' },
  'certificate.none-for-key': { detail: '“{key}” has no certificate.', remedy: 'Make one with `keywright certificates self-sign`, or request one with `keywright certificates request`.' },
  'certificate.of-another-key': { detail: 'The certificate is not one for “{key}”: its public key is another.', remedy: 'Give the certificate of the key that signs.' },
  'certificate.format-needs': { detail: '“{key}” has no certificate, and this format names the signer by one.' },
  'certificate.ended-for-recipient': { detail: 'The certificate “{name}” ended on {at}.', remedy: 'Ask its holder for the new one.' },
  'certificate.ended': { detail: 'The certificate “{name}” for “{key}” ended on {at}.', remedy: 'Renew it, or make a new one with `keywright certificates self-sign`.' },
  'certificate.not-begun': { detail: 'The certificate “{name}” for “{key}” is not valid before {at}.', remedy: 'Check the clock, or use another certificate.' },
  'certificate.usage': { detail: 'The certificate “{name}” for “{key}” is not for signatures: its key usage is {usages}.', remedy: 'Use a certificate whose key usage has digital signature.' },
  'certificate.purpose': { detail: 'The certificate “{name}” for “{key}” is for other purposes than signing files.', remedy: 'Use one without purposes, or for e-mail or code signing.' },
  // Files
  'file.unknown': { detail: 'There is no file {path}.', remedy: 'Check the path.' },
  'file.no-folder': { detail: 'There is no folder for {path}.', remedy: 'Make the folder first, or choose another place.' },
  'file.not-readable': { detail: 'You may not read {path}.', remedy: 'Ask its owner, or copy it to a place of yours.' },
  'file.not-writable': { detail: 'You may not write {path}.', remedy: 'Choose a folder in which you may write.' },
  'file.no-space': { detail: 'There is no space left to write {name}. Nothing was written.', remedy: 'Free some space, or choose another place.' },
  'file.read-only': { detail: '{path} is on a file system that cannot be written.', remedy: 'Choose another place.' },
  'file.no-path': { detail: '{path} is not the path of a file.', remedy: 'Check the path.' },
  'file.name-too-long': { detail: 'The name of {path} is longer than its file system takes.', remedy: 'Choose a shorter name, or another place for what is written.' },
  'file.no-utf8': { detail: 'There is no file {path}: a part of its name is not UTF-8, and cannot be told here.', remedy: 'Rename the file.' },
  'file.exists': { detail: '{path} exists already, and was left as it is.', remedy: 'Choose another name, or say that it shall be replaced.' },
  'file.changed': { detail: '{path} changed while it was read.', remedy: 'Try again when nobody writes to it any more.' },
  'file.not-encrypted': { detail: 'This is no encrypted file that Keywright knows.', remedy: 'See what it is with `keywright files inspect`.' },
  'file.no-timestamp-place': { detail: 'A signature as {format} has no place for a timestamp.', remedy: 'Choose a format that has one, or have the file itself stamped: `keywright files timestamp`.' },
  'file.upload-gone': { detail: 'There is no such file here: it was used, it expired after an hour, or it belongs to somebody else.', remedy: 'Upload it again.' },
  // Formats of signatures, and why a key cannot make one
  'recipient.no-kind': { detail: '{format} has no recipients for {algorithm}.', remedy: ANOTHER },
  'recipient.token-ed25519': { detail: 'A token signs with Ed25519, and does not decrypt.', remedy: 'Choose an X25519, P-256 or RSA key.' },
  'recipient.not-extractable': { detail: 'age decrypts with the Ed25519 key itself, and “{key}” is not extractable.', remedy: 'Choose an X25519, P-256 or RSA key.' },
  'format.pure-ed25519': { detail: '{program} needs a pure Ed25519 signature, and this key is {algorithm}.', remedy: ANOTHER },
  'format.rsa-2048': { detail: '{standard} asks for RSA keys of at least 2048 bits.', remedy: ANOTHER },
  'format.rsa-1024': { detail: 'RSA keys of 1024 bits are too short for a certificate (SP 800-131A rev. 2), and this format names the signer by one.', remedy: ANOTHER },
  'format.no-name': { detail: '{standard} has no name for signatures of {algorithm} keys.', remedy: ANOTHER },
  'format.no-key-type': { detail: '{standard} has no key type for {algorithm}.', remedy: ANOTHER },
  'xml.is-a-signature': { detail: 'The document is itself a signature, and none can be put within it.', remedy: 'Sign it detached, or in an ASiC container (--format asic).' },
  'xml.signed-enough': { detail: 'The document has {count} signatures already, and no more are read.', remedy: 'Sign it detached, or in an ASiC container (--format asic).' },
  'xml.broken-before': { detail: 'A signature that is in the document does not fit it.', remedy: 'See what `keywright files verify` says of it. Sign the document as it was, or detached.' },
  'xml.would-break': { detail: 'The document is signed already, by a signature that covers all but itself: another one within would break it.', remedy: 'Sign it detached, or in an ASiC container (--format asic).' },
  'format.archive-keys': { detail: 'Java and Android check no signatures of {algorithm} keys in archives: RSA, the NIST curves and EdDSA alone.', remedy: ANOTHER },
  'format.pdf-keys': { detail: 'PDF knows no signatures of {algorithm} keys (ISO 32000-2 §12.8.3, ISO/TS 32002).', remedy: ANOTHER },
  'format.by-authority': { detail: 'A timestamp is made by an authority, and not by a key: see files timestamp.' },
  'format.mac': { detail: '{algorithm} makes message authentication codes, which prove nothing to anybody who does not have the key.', remedy: ANOTHER },
  'format.symmetric': { detail: '{algorithm} is a symmetric key: it encrypts, and does not sign.', remedy: ANOTHER },
  'format.encapsulates': { detail: '{algorithm} encapsulates secrets, and does not sign.', remedy: ANOTHER },
  'format.agrees': { detail: '{algorithm} agrees on secrets, and does not sign.', remedy: ANOTHER },
} as const satisfies Readonly<Record<string, { readonly detail: string; readonly remedy?: string }>>;

export type ReasonName = keyof typeof REASONS;
type ReasonValues = Readonly<Record<string, string | number>>;

type NamesIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type ValuesOf<Name extends ReasonName> = Record<NamesIn<(typeof REASONS)[Name]['detail']>, string | number>;

/** A reason with what is filled in, and its English words. */
export interface Told {
  detail: string;
  remedy?: string;
  reason: ReasonName;
  values: ReasonValues;
}

/** @returns what an error tells of a known reason; spread it into its facts. */
export function because<Name extends ReasonName>(reason: Name, values: ValuesOf<Name>): Told {
  const { detail, remedy }: { detail: string; remedy?: string } = REASONS[reason];
  const known: ReasonValues = values;
  return { detail: detail.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(known[name])), ...(remedy === undefined ? {} : { remedy }), reason, values };
}
