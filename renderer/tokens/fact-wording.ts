import type { Text } from '../i18n/index.ts';
import { sayBy, type Wording } from '../i18n/wordings.ts';

/** Yubico’s form factors. */
export const FORMS: readonly Wording[] = [
  [/^USB-A keychain$/, 'tokens.form.usbA'],
  [/^USB-A nano$/, 'tokens.form.usbANano'],
  [/^USB-C keychain$/, 'tokens.form.usbC'],
  [/^USB-C nano$/, 'tokens.form.usbCNano'],
  [/^USB-C and Lightning$/, 'tokens.form.usbCLightning'],
  [/^USB-A with fingerprint reader$/, 'tokens.form.usbABio'],
  [/^USB-C with fingerprint reader$/, 'tokens.form.usbCBio'],
];

/** What tokens tell of themselves, in English as the core says it: names of facts, and values that are words. */
const FACTS: readonly Wording[] = [
  ...FORMS,
  [/^Key check value$/, 'tokens.fact.keyCheckValue'],
  [/^PIN reset with the SO PIN$/, 'tokens.fact.pinReset'],
  [/^Device$/, 'tokens.fact.device'],
  [/^Issuer$/, 'tokens.fact.issuer'],
  [/^Device certificate$/, 'tokens.fact.deviceCertificate'],
  [/^Allowed$/, 'tokens.fact.allowed'],
  [/^Not allowed$/, 'tokens.fact.notAllowed'],
  [/^None: keys cannot be wrapped or restored$/, 'tokens.fact.noDkek'],
  [/^Waits for (?<n>\d+) of (?<total>\d+) shares$/, 'tokens.fact.dkekWaits'],
  [/^Made by the token itself: wrapped keys can be restored to this token alone$/, 'tokens.fact.dkekOwn'],
  [/^Complete, of (?<n>\d+) shares?$/, 'tokens.fact.dkekComplete'],
  [/^Device certificate (?<name>\S+), issued by (?<issuer>\S+), valid from (?<from>\S+) to (?<to>\S+)\.$/, 'tokens.fact.deviceIs'],
  [/^Its issuer was certified by (?<name>\S+?)(?:, the root of CardContact)?\.$/, 'tokens.fact.issuerIs'],
  [/^Verified up to its root$/, 'tokens.fact.verified'],
  [/^Not verified: The token’s issuer (?<issuer>\S+) was certified by (?<name>\S+), which is no root that is trusted here\.$/, 'tokens.fact.foreignRoot'],
  [/^Form factor$/, 'tokens.fact.formFactor'],
  [/^PIV application$/, 'tokens.fact.piv'],
  [/^Certification$/, 'tokens.fact.certification'],
  [/^CHUID \(card identifier\)$/, 'tokens.fact.chuid'],
  [/^Slots$/, 'tokens.fact.slots'],
];

/** @returns a fact's name or value in the window's language where its wording is known. */
export function factIn(text: string, t: Text): { text: string; known: boolean } {
  const said = t.language === 'en' ? undefined : sayBy(FACTS, text, t);
  return { text: said ?? text, known: said !== undefined };
}
