import type { PromptRequest } from '../../app/contract/index.ts';
import type { MessageKey, Text } from '../i18n/index.ts';
import { sayBy, type Wording } from '../i18n/wordings.ts';
import { ABOUT_TOKENS, PURPOSES } from './token-wording.ts';

/**
 * What the core asks arrives in English, ready to be shown on a terminal. Known wordings are said in the window's
 * language; one that is not known is shown as it came.
 */
const KNOWN: readonly Wording[] = [
  [/^Unlock “(?<name>.+)” with the recovery code$/, 'ask.unlockWithRecoveryCode'],
  [/^Unlock “(?<name>.+)”$/, 'ask.unlock'],
  [/^The passphrase until now$/, 'ask.currentPassphrase'],
  [/^Choose a passphrase for the file with “(?<name>.+)”$/, 'ask.exportPassphrase'],
  [/^Choose a passphrase for the new version of (?<name>.+)$/, 'ask.versionPassphrase'],
  [/^Choose a passphrase for “(?<name>.+)”$/, 'ask.newPassphraseFor'],
  [/^Choose the passphrase of your store$/, 'ask.storePassphrase'],
  [/^Choose a new passphrase$/, 'ask.newPassphrase'],
  [/^Choose another passphrase that unlocks the store$/, 'ask.anotherPassphrase'],
  [/^Passphrase of the file to import$/, 'ask.importPassphrase'],
  [/^Passphrase of the encrypted file$/, 'ask.recipientPassphrase'],
  [/^Choose a passphrase for the file$/, 'ask.newRecipientPassphrase'],
  [/^Whoever shall open the file needs it\. It cannot be recovered\.$/, 'ask.newRecipientPassphraseNote'],
  [/^Passphrase of the key (?<name>.+)$/, 'ask.keyPassphrase'],
  [/^Password to derive from$/, 'ask.password'],
  [/^Keep this recovery code$/, 'ask.keepRecoveryCode'],
  [/^Export “(?<name>.+)” without encryption$/, 'ask.exportInClear'],
  [/^Destroy “(?<name>.+)” for good$/, 'ask.destroy'],
  [/^Remove “(?<name>.+)”$/, 'ask.remove'],
  [/^Replace this store by the backup$/, 'ask.replaceStore'],
  [/^Wrong passphrase\.$/, 'ask.wrongPassphrase'],
  [/^Whoever has the file and this passphrase has the key\.$/, 'ask.exportPassphraseNote'],
  [/^Show the bytes of a file that may hold a private key$/, 'ask.showBytes'],
  [/^Show them$/, 'ask.showBytesAction'],
  [/^Whoever sees them, or a record of them, may have the key\.$/, 'ask.showBytesNote'],
  [/^The file \((?<format>\w+)\) holds the key in clear\. Whoever can read it has the key\.$/, 'ask.exportInClearNote'],
  [/^It will not unlock the store any more\. The other ways still do\.$/, 'ask.removeNote'],
  [/^The store that is here now is set aside under another name, not deleted\.$/, 'ask.replaceStoreNote'],
  [/^It protects every key in the store\. Nobody can recover it for you\.$/, 'ask.newPassphraseNote'],
  [/^It is needed at each use of the key\. It cannot be recovered\.$/, 'ask.keyPassphraseNote'],
  [/^It unlocks the store when the passphrase is forgotten\. It is shown once\. Keep it on paper, away from this computer\.$/, 'ask.keepRecoveryCodeNote'],
  [/^What it signed can still be verified with its public key\. What it encrypted can never be read again\.$/, 'ask.destroyNote'],
  [/^Export without encryption$/, 'ask.exportInClearAction'],
  [/^Remove it$/, 'ask.removeAction'],
  [/^Replace the store$/, 'ask.replaceStoreAction'],
  [/^Destroy the key$/, 'ask.destroyAction'],
];

/** @returns the text in the window's language where its wording is known. */
export function say(text: string, t: Text): string {
  return t.language === 'en' ? text : (sayBy([...KNOWN, ...ABOUT_TOKENS], text, t, PURPOSES) ?? t.sentence(text) ?? text);
}

/** @returns what the field of a prompt is called. */
export function secretName({ purpose }: PromptRequest, t: Text): string {
  return t(`ask.field.${purpose}` as MessageKey);
}
