import type { Text } from '../i18n/index.ts';
import { sayBy, type Wording } from '../i18n/wordings.ts';

/** What the core calls the slots of PIV cards. */
const SLOTS: readonly Wording[] = [
  [/^Authentication$/, 'tokens.slotName.authentication'],
  [/^Digital signature$/, 'tokens.slotName.signature'],
  [/^Key management$/, 'tokens.slotName.keyManagement'],
  [/^Card authentication$/, 'tokens.slotName.cardAuthentication'],
  [/^Retired key management (?<n>\d+)$/, 'tokens.slotName.retired'],
  [/^Attestation$/, 'tokens.slotName.attestation'],
];

const SHORT: readonly Wording[] = [[/^Retired key management (?<n>\d+)$/, 'tokens.slotName.retiredShort']];

/** Why a token cannot do what others can. */
const REASONS: readonly Wording[] = [
  [/^PKCS#11 has no PUK: the SO PIN unblocks\.$/, 'tokens.cannot.noPuk'],
  [/^PKCS#11 has no management key\.$/, 'tokens.cannot.noManagementKey'],
  [/^PKCS#11 does not set the number of tries\.$/, 'tokens.cannot.noTries'],
  [/^PKCS#11 has no reset: initialise the token instead\.$/, 'tokens.cannot.noReset'],
  [/^Only PIV cards have these\.$/, 'tokens.cannot.onlyPiv'],
  [/^Keys in a PKCS#11 token stay under their id\.$/, 'tokens.cannot.noMove'],
  [/^PKCS#11 has no attestation\.$/, 'tokens.cannot.noAttestation'],
  [/^Only a SmartCard-HSM has these\.$/, 'tokens.cannot.onlyHsm'],
  [/^Only a SmartCard-HSM wraps keys under its own key: use `keys wrap`, or `keys copy`\.$/, 'tokens.cannot.onlyHsmWraps'],
  [/^Only a SmartCard-HSM does this: use `keys unwrap`, or `keys copy`\.$/, 'tokens.cannot.onlyHsmUnwraps'],
  [/^The token is write-protected\.$/, 'tokens.cannot.writeProtected'],
  [/^The token is not initialised yet\.$/, 'tokens.cannot.notInitialised'],
  [/^It has no user PIN yet: unblock it to set one\.$/, 'tokens.cannot.noUserPin'],
  [/^This module deletes the certificate of a key and leaves the key where it is: use the program of the token’s maker\.$/, 'tokens.cannot.keepsKeys'],
  [/^This module does not show a key that has no certificate: put another one in its place\.$/, 'tokens.cannot.hidesKeys'],
  [/^A SmartCard-HSM has no PUK: its SO PIN sets a new PIN\.$/, 'tokens.cannot.hsmNoPuk'],
  [/^A SmartCard-HSM has no management key\.$/, 'tokens.cannot.hsmNoManagementKey'],
  [/^How many tries a PIN has is set when the token is initialised\.$/, 'tokens.cannot.hsmTries'],
  [/^A SmartCard-HSM is not reset: initialise it instead\.$/, 'tokens.cannot.hsmNoReset'],
  [/^Keys in a SmartCard-HSM stay under their id\.$/, 'tokens.cannot.hsmNoMove'],
  [/^The token was never set up: initialise it first\.$/, 'tokens.cannot.hsmFresh'],
  [/^The token was set up so that the SO PIN cannot set a new PIN\.$/, 'tokens.cannot.hsmNoPinReset'],
  [/^A YubiKey needs no setting up: it comes ready, and `tokens reset` makes it so again\.$/, 'tokens.cannot.yubikeyReady'],
  [/^A YubiKey has a PUK and a management key instead of a security officer’s PIN\.$/, 'tokens.cannot.yubikeyNoSoPin'],
  [/^That is a thing of the SmartCard-HSM: no key leaves a YubiKey\.$/, 'tokens.cannot.yubikeyNoDkek'],
  [/^No key leaves a YubiKey, wrapped or not\.$/, 'tokens.cannot.yubikeyNoWrap'],
  [/^A YubiKey takes no wrapped keys; `keys unwrap` imports what another key unwraps\.$/, 'tokens.cannot.yubikeyNoUnwrap'],
  [/^Keys can be moved from firmware (?<since>\S+) on; this one has (?<has>\S+)\.$/, 'tokens.cannot.moveSince'],
  [/^Keys can be deleted one by one from firmware (?<since>\S+) on; this one has (?<has>\S+)\.$/, 'tokens.cannot.deleteSince'],
  [/^Keys are attested from firmware (?<since>\S+) on; this one has (?<has>\S+)\.$/, 'tokens.cannot.attestSince'],
];

/** @returns what a slot is called in the window's language; a name that a person gave stays as it is. */
export function slotTitle(title: string, t: Text): string {
  return t.language === 'en' ? title : (sayBy(SLOTS, title, t) ?? title);
}

/** @returns the same, short enough for a column of a table. */
export function shortSlotTitle(title: string, t: Text): string {
  return sayBy(SHORT, title, t) ?? slotTitle(title, t);
}

/** @returns why a token cannot do something, in the window's language where the wording is known. */
export function whyNot(reason: string, t: Text): string {
  return t.language === 'en' ? reason : (sayBy(REASONS, reason, t) ?? t.sentence(reason) ?? reason);
}
