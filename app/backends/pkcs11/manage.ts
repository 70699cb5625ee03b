import { askSecret, because, KeywrightError, type Call } from '../../contract/index.ts';
import { fingerprint } from '../../formats/index.ts';
import type { KeyCall } from '../../keystore/keystore.ts';
import type { PinKeeper } from '../../keystore/pins.ts';
import { confirmDestruction, typedFingerprint } from '../../keystore/token-prompts.ts';
import type { ActionState, TokenAction, TokenManagement, TokenStatus } from '../../keystore/tokens.ts';
import { spkiOfCertificate } from './certificates.ts';
import type { TokenConnection } from './connection.ts';
import { HIDES_KEYS, KEEPS_KEYS } from './peculiarities.ts';
import { nameOfKey, slotOf, type TokenKeys } from './keys.ts';
import { asOfficer, asWriter, boundsOf, encoded, entering, triesOf, type Entered } from './login.ts';
import type { PinFlags } from './messages.ts';

/** The verbs of a token, and its state in words. */

const NOT_HERE: Partial<Record<TokenAction, string>> = {
  'change-puk': 'PKCS#11 has no PUK: the SO PIN unblocks.', 'set-management-key': 'PKCS#11 has no management key.', 'set-retries': 'PKCS#11 does not set the number of tries.',
  reset: 'PKCS#11 has no reset: initialise the token instead.', 'set-identifiers': 'Only PIV cards have these.', 'move-key': 'Keys in a PKCS#11 token stay under their id.',
  attest: 'PKCS#11 has no attestation.', 'create-dkek-share': 'Only a SmartCard-HSM has these.', 'import-dkek-share': 'Only a SmartCard-HSM has these.',
  'wrap-key': 'Only a SmartCard-HSM wraps keys under its own key: use `keys wrap`, or `keys copy`.', 'unwrap-key': 'Only a SmartCard-HSM does this: use `keys unwrap`, or `keys copy`.',
};
const NEW_SO_PIN = 'Choose an SO PIN: it sets and unblocks the PIN';
const HERE: readonly TokenAction[] = ['initialize', 'change-pin', 'unblock-pin', 'change-so-pin', 'delete-key', 'put-certificate', 'delete-certificate'];

export function actionsOf({ state, peculiar }: TokenConnection): ActionState[] {
  const readOnly = state.flags.writeProtected ? 'The token is write-protected.' : null;
  const fresh = state.flags.initialised ? null : 'The token is not initialised yet.';
  return [
    ...HERE.map((action): ActionState => {
      const reason = readOnly ?? (action === 'initialize' ? null : fresh) ?? (action === 'change-pin' && !state.flags.userPin.set ? 'It has no user PIN yet: unblock it to set one.' : null) ?? (action === 'delete-key' && peculiar.keepsKeys === true ? KEEPS_KEYS : action === 'delete-certificate' && peculiar.hidesKeys === true ? HIDES_KEYS : null);
      return { action, available: reason === null, reason };
    }),
    ...Object.entries(NOT_HERE).map(([action, reason]): ActionState => ({ action: action as TokenAction, available: false, reason })),
  ];
}

export async function statusOf(token: TokenConnection, details: TokenStatus['details']): Promise<TokenStatus> {
  const { flags } = await token.fresh();
  const secret = (kind: 'pin' | 'so-pin', pin: PinFlags, set: boolean): TokenStatus['secrets'][number] => ({
    // Modules tell of tokens that were never set up that they are locked.
    kind, state: !flags.initialised ? 'not-set' : pin.locked ? 'blocked' : !set ? 'not-set' : 'set', triesLeft: flags.initialised ? triesOf(pin) : null, triesAtMost: null,
    note: pin.finalTry ? 'last try' : pin.toBeChanged ? 'must be changed' : pin.countLow ? 'a wrong one was entered' : null,
  });
  const findings: TokenStatus['findings'][number][] = [];
  const find = (when: boolean, code: string, detail: string, remedy: string): void => { if (when) findings.push({ level: 'warning', code, detail, remedy }); };
  find(!flags.initialised, 'pkcs11.not-initialised', 'The token is not initialised.', `Set it up: \`keywright tokens initialize ${token.id}\`.`);
  find(flags.initialised && flags.loginRequired && !flags.userPin.set, 'pkcs11.no-user-pin', 'The token has no user PIN.', `Set one with the SO PIN: \`keywright tokens unblock-pin ${token.id}\`.`);
  find(flags.initialised && flags.userPin.locked, 'pkcs11.pin-blocked', 'The PIN is blocked.', `Unblock it with the SO PIN: \`keywright tokens unblock-pin ${token.id}\`.`);
  find(flags.initialised && flags.soPin.locked, 'pkcs11.so-pin-blocked', 'The SO PIN is blocked.', 'Whether the token can be set up anew is its maker’s to say.');
  find(flags.userPin.toBeChanged, 'pkcs11.pin-to-be-changed', 'The PIN is the one it was delivered with or has expired.', `Change it: \`keywright tokens change-pin ${token.id}\`.`);
  return { initialised: flags.initialised, secrets: [secret('pin', flags.userPin, flags.userPin.set), secret('so-pin', flags.soPin, flags.initialised)], findings, details };
}

export function manageToken(keys: TokenKeys, pins: PinKeeper, changed: () => void): TokenManagement {
  const { token } = keys;
  const bounds = (): { minLength: number; maxLength: number } => ({ minLength: boundsOf(token).minPin, maxLength: boundsOf(token).maxPin });
  const newSecret = (kind: 'new-pin' | 'new-so-pin', title: string, call: Call) => askSecret({ kind: 'new-secret', purpose: kind, title, subject: token.title, form: 'pin', ...bounds() }, call);

  /** Lets `send` send a new secret; where it is entered on keys of the token's own, the module asks for it there. */
  async function choosing(kind: 'new-pin' | 'new-so-pin', title: string, call: Call, send: (newSecret: Entered) => Promise<unknown>): Promise<void> {
    if (token.state.flags.pinpad) return void (await send(null));
    using chosen = await newSecret(kind, title, call);
    await send(encoded(chosen));
  }

  async function keyIn(slot: string, call: KeyCall) {
    const found = (await keys.read(call)).find((key) => slotOf(key) === slot);
    if (found === undefined) throw new KeywrightError('NOT_FOUND', { detail: `There is no key ${slot} in ${token.title}.`, remedy: `See \`keywright tokens slots ${token.id}\`.` });
    return found;
  }

  return {
    async initialize({ label }, call) {
      const { state } = token;
      if (state.flags.initialised) {
        const count = (await keys.read(call)).length;
        await confirmDestruction({
          title: `Set up ${token.title} anew`, token: token.title, typed: state.label === '' ? state.serial : state.label, action: 'Destroy and set up anew',
          note: count === 0 ? 'Everything in it is destroyed for good. Its SO PIN is asked for.' : `Everything in it is destroyed for good: ${count} ${count === 1 ? 'key that shows' : 'keys that show'}, and what does not. Its SO PIN is asked for.`,
        }, call);
      }
      const name = label ?? (state.label === '' ? 'Keywright' : state.label);
      if (Buffer.byteLength(name) > 32) throw new KeywrightError('INVALID_INPUT', { detail: 'A token’s label has 32 bytes at most.', where: '/label' });
      if (state.flags.initialised || state.flags.pinpad) {
        await entering(token, pins, 'so-pin', { title: state.flags.initialised ? `Set up ${token.title} anew` : NEW_SO_PIN, keep: 'call', anew: true }, call, (secret, inside) => token.call('token.initialize', { label: name, secret }, inside));
      } else {
        using chosen = await newSecret('new-so-pin', NEW_SO_PIN, call);
        await token.call('token.initialize', { label: name, secret: encoded(chosen) }, call);
      }
      for (const kind of ['pin', 'so-pin'] as const) pins.changed(kind);
      changed();
    },

    async changePin(call) {
      await entering(token, pins, 'pin', { title: 'Change the PIN', keep: 'call', anew: true }, call, async (secret, inside) => {
        // Judged before the new one is chosen, so that nobody chooses in vain.
        if (secret !== null) await token.call('token.login', { user: 'user', secret }, inside);
        await choosing('new-pin', 'Choose a new PIN', call, (newSecret) => token.call('token.set-pin', { secret, newSecret }, inside));
      });
      pins.changed('pin');
      changed();
    },

    async changeSoPin(call) {
      await asOfficer(token, pins, { title: 'Change the SO PIN', anew: true }, call, async (secret) => {
        await choosing('new-so-pin', 'Choose a new SO PIN', call, (newSecret) => token.call('token.set-pin', { secret, newSecret }, call));
      });
      pins.changed('so-pin');
      changed();
    },

    async unblockPin(call) {
      await asOfficer(token, pins, { title: 'Set a new PIN', anew: true }, call, async () => {
        await choosing('new-pin', 'Choose a new PIN', call, (newSecret) => token.call('token.init-pin', { newSecret }, call));
      });
      pins.changed('pin');
      changed();
    },

    async deleteKey(slot, call) {
      const key = await keyIn(slot, call);
      const typed = key.publicKey === null ? key.label || slot : typedFingerprint(fingerprint(Buffer.from(key.publicKey, 'base64url')));
      await confirmDestruction({ title: `Destroy the key “${nameOfKey(key)}”`, token: token.title, typed, action: 'Destroy the key', note: `${key.algorithm}, id ${slot}. A key that is only in this token is lost for good.` }, call);
      await keys.remove(keys.refOf(key), call);
    },

    async putCertificate(slot, certificate, call) {
      const key = await keyIn(slot, call);
      if (key.publicKey === null) throw new KeywrightError('CAPABILITY_MISSING', { detail: 'A symmetric key has no certificate.', remedy: 'Choose a key pair.' });
      const [own, its] = [fingerprint(Buffer.from(key.publicKey, 'base64url')), fingerprint(spkiOfCertificate(certificate))];
      if (own !== its) throw new KeywrightError('INVALID_INPUT', { ...because('token.certificate-misfits', { certificate: its, key: own }), where: '/certificate' });
      await asWriter(token, pins, `Put a certificate beside “${nameOfKey(key)}”`, call, () => token.call('certificates.put', { id: key.id, label: key.label, der: Buffer.from(certificate).toString('base64url') }, call));
      changed();
    },

    async deleteCertificate(slot, call) {
      await asWriter(token, pins, 'Delete a certificate', call, () => token.call('certificates.delete', { id: slot }, call));
      changed();
    },
  };
}
