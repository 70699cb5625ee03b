import type { Text } from '../i18n/index.ts';
import { sayBy, type Wording } from '../i18n/wordings.ts';
import { FORMS } from './fact-wording.ts';

/** What an attestation says, and why it does not hold, in English as the core says it. */
const SENTENCES: readonly Wording[] = [
  [/^The key was made in a YubiKey with firmware (?<firmware>\S+) and has never left it\.$/, 'tokens.attested.madeWith'],
  [/^The key was made in a YubiKey and has never left it\.$/, 'tokens.attested.made'],
  [/^The serial number is not said\.$/, 'tokens.attested.noSerial'],
  [/^Its serial number is (?<serial>\S+)\.$/, 'tokens.attested.serial'],
  [/^The key acts without the PIN\.$/, 'tokens.attested.pinNever'],
  [/^The PIN is asked for once in each session\.$/, 'tokens.attested.pinOnce'],
  [/^The PIN is asked for at each use\.$/, 'tokens.attested.pinAlways'],
  [/^A fingerprint is asked for\.$/, 'tokens.attested.match'],
  [/^A fingerprint, or the PIN, is asked for once in each session\.$/, 'tokens.attested.matchOnce'],
  [/^A fingerprint, or the PIN, is asked for at each use\.$/, 'tokens.attested.matchAlways'],
  [/^When the PIN is asked for is not said\.$/, 'tokens.attested.pinUnknown'],
  [/^No touch is needed\.$/, 'tokens.attested.touchNever'],
  [/^Each use needs a touch\.$/, 'tokens.attested.touchAlways'],
  [/^A use needs a touch, which counts for 15 seconds\.$/, 'tokens.attested.touchCached'],
  [/^Whether a touch is needed is not said\.$/, 'tokens.attested.touchUnknown'],
  [/^Form factor: (?<what>.+)\.$/, 'tokens.attested.formFactor'],
  [/^It is a FIPS model\.$/, 'tokens.attested.fips'],
  [/^It is a CSPN model\.$/, 'tokens.attested.cspn'],
  [/^Made in this SmartCard-HSM, serial (?<serial>\S+)\.$/, 'tokens.attested.madeInHsm'],
  [/^Device certificate (?<name>\S+), issued by (?<issuer>\S+), valid from (?<from>\S+) to (?<to>\S+)\.$/, 'tokens.attested.deviceValid'],
  [/^Device certificate (?<name>\S+), issued by (?<issuer>\S+)\.$/, 'tokens.attested.device'],
  [/^Its issuer was certified by (?<name>\S+), the root of CardContact\.$/, 'tokens.attested.cardContact'],
  [/^Its issuer was certified by (?<name>\S+)\.$/, 'tokens.attested.issuer'],
  [/^What the token gave is no certificate\.$/, 'tokens.attested.noCertificate'],
  [/^It is for another key \((?<has>\S+)\) than the one in the slot \((?<wanted>\S+)\)\.$/, 'tokens.attested.otherKey'],
  [/^The token has no certificate of its own \(slot f9\), so that nothing tells whose token it is\.$/, 'tokens.attested.noOwn'],
  [/^It was not signed by this token’s attestation key\.$/, 'tokens.attested.notSigned'],
  [/^Nobody that is known here vouches for the token: its certificate was issued by “(?<name>.*)”\.$/, 'tokens.attested.unknownIssuer'],
  [/^The token has no device certificate\.$/, 'tokens.attested.noDevice'],
  [/^The token does not have the certificate of (?<name>\S+), which issued its own\.$/, 'tokens.attested.noIssuer'],
  [/^The token’s issuer (?<issuer>\S+) was certified by (?<name>\S+), which is no root that is trusted here\.$/, 'tokens.attested.foreignRoot'],
  [/^What the token has signed is for another key\.$/, 'tokens.attested.requestForOther'],
  [/^The key’s own signature on the request does not hold\.$/, 'tokens.attested.ownSignature'],
  [/^The key was made in another token, (?<name>\S+), and brought here wrapped\. That token’s certificate is not here, so its signature cannot be checked\.$/, 'tokens.attested.broughtHere'],
  [/^The token’s signature was not checked, since its own certificate does not hold\.$/, 'tokens.attested.notChecked'],
  [/^The token’s signature on the request does not hold\.$/, 'tokens.attested.tokenSignature'],
  [/^The signature of the root (?<name>\S+) on itself does not hold\.$/, 'tokens.attested.rootSignature'],
  [/^The signature of (?<name>\S+) on the certificate of (?<of>\S+) does not hold\.$/, 'tokens.attested.issuerSignature'],
  [/^The signature of (?<name>\S+) on the device certificate does not hold\.$/, 'tokens.attested.deviceSignature'],
];

/** @returns a sentence in the window's language where its wording is known. */
export function attestedIn(text: string, t: Text): { text: string; known: boolean } {
  const said = t.language === 'en' ? undefined : (sayBy(SENTENCES, text, t, FORMS) ?? t.sentence(text));
  return { text: said ?? text, known: t.language === 'en' || said !== undefined };
}
