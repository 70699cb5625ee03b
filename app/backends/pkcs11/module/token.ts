import { KeywrightError } from '../../../contract/index.ts';
import { CKA, CKF, CKO } from '../constants.ts';
import { isReturn } from '../errors.ts';
import type { KeySelector, MechanismFacts, SlotState } from '../messages.ts';
import type { Cryptoki, Handle, Template } from './cryptoki.ts';
import { find } from './objects.ts';
import { Paces } from './pace.ts';
import { Sessions } from './sessions.ts';

/** One slot as the worker keeps it: its sessions, what its token can do, and the handles of keys that were used. */
export class SlotToken {
  readonly cryptoki: Cryptoki;
  readonly handle: Handle;
  readonly sessions: Sessions;
  readonly paces = new Paces();
  #mechanisms: ReadonlyMap<number, MechanismFacts> | undefined;
  readonly #keys = new Map<string, Handle>();

  constructor(cryptoki: Cryptoki, handle: Handle, mostSessions: number) {
    this.cryptoki = cryptoki;
    this.handle = handle;
    this.sessions = new Sessions(cryptoki, handle, mostSessions);
  }

  mechanisms(): ReadonlyMap<number, MechanismFacts> {
    this.#mechanisms ??= this.#readMechanisms();
    return this.#mechanisms;
  }

  /** @returns whether the token has a mechanism with all these flags. */
  has(code: number, flags = 0): boolean {
    const found = this.mechanisms().get(code);
    return found !== undefined && (found.flags & flags) === flags;
  }

  /** Lets `work` use the private or secret key that is named. A handle from before that is none any more is looked up again, once. */
  withKey<T>(key: KeySelector, work: (session: Handle, handle: Handle) => T | Promise<T>): Promise<T> {
    return this.sessions.use(async (session) => {
      const name = JSON.stringify([key.kind, key.id, key.label]);
      const known = this.#keys.get(name);
      if (known !== undefined) {
        try {
          return await work(session, known);
        } catch (thrown) {
          if (!isReturn(thrown, 'KEY_HANDLE_INVALID', 'OBJECT_HANDLE_INVALID', 'WRAPPING_KEY_HANDLE_INVALID', 'UNWRAPPING_KEY_HANDLE_INVALID')) throw thrown;
          this.#keys.delete(name);
        }
      }
      const [handle] = find(this.cryptoki, session, selecting(key, key.kind === 'private' ? CKO.PRIVATE_KEY : CKO.SECRET_KEY), 1);
      if (handle === undefined) {
        if (this.sessions.loggedIn === null && this.#loginRequired()) throw new KeywrightError('PIN_REQUIRED', 'The token shows its keys after its PIN was given.');
        throw new KeywrightError('NOT_FOUND', { detail: `The token has no key “${key.label === '' ? key.id : key.label}”.`, remedy: 'See `keywright tokens slots`.' });
      }
      this.#keys.set(name, handle);
      return work(session, handle);
    });
  }

  /** Handles do not outlive a login, a logout or a change of objects in every module. */
  forgetHandles(): void {
    this.#keys.clear();
    this.paces.clear();
  }

  async close(): Promise<void> {
    this.forgetHandles();
    this.#mechanisms = undefined;
    await this.sessions.closeAll();
  }

  #loginRequired(): boolean {
    return (Number(this.cryptoki.tokenInfo(this.handle)?.flags ?? 0) & CKF.LOGIN_REQUIRED) !== 0;
  }

  #readMechanisms(): Map<number, MechanismFacts> {
    const { cryptoki, handle } = this;
    return new Map(cryptoki.call('C_GetMechanismList', (lib) => lib.C_GetMechanismList(handle)).flatMap((code): [number, MechanismFacts][] => {
      try {
        const { minKeySize, maxKeySize, flags } = cryptoki.call('C_GetMechanismInfo', (lib) => lib.C_GetMechanismInfo(handle, code));
        const name = cryptoki.mechanismNames.get(code) ?? `0x${code.toString(16)}`;
        return [[code, { code, name, minimum: Number(minKeySize), maximum: Number(maxKeySize), flags: Number(flags) }]];
      } catch (thrown) {
        // Listed and then not known: some modules list more than their token has.
        if (isReturn(thrown, 'MECHANISM_INVALID')) return [];
        throw thrown;
      }
    }));
  }
}

/** @returns the template that finds the objects of a class with this id, or this label where there is no id. */
export function selecting({ id, label }: Pick<KeySelector, 'id' | 'label'>, objectClass: number): Template {
  return [
    { type: CKA.CLASS, value: objectClass }, { type: CKA.TOKEN, value: true },
    ...(id === '' ? [] : [{ type: CKA.ID, value: Buffer.from(id, 'hex') }]), ...(label === '' ? [] : [{ type: CKA.LABEL, value: Buffer.from(label) }]),
  ];
}

/** Every slot, with what is in it. */
export function slotStates(cryptoki: Cryptoki): SlotState[] {
  return cryptoki.slots().flatMap((handle): SlotState[] => {
    let info;
    try {
      info = cryptoki.slotInfo(handle);
    } catch (thrown) {
      if (isReturn(thrown, 'SLOT_ID_INVALID', 'DEVICE_REMOVED')) return [];
      throw thrown;
    }
    const flags = Number(info.flags);
    const token = (flags & CKF.TOKEN_PRESENT) === 0 ? null : cryptoki.tokenInfo(handle);
    return [{
      slot: handle.toString('hex'), description: trimmed(info.slotDescription), removable: (flags & CKF.REMOVABLE_DEVICE) !== 0, hardware: (flags & CKF.HW_SLOT) !== 0,
      token: token === null ? null : {
        label: trimmed(token.label), manufacturer: trimmed(token.manufacturerID), model: trimmed(token.model), serial: trimmed(token.serialNumber),
        firmware: `${token.firmwareVersion.major}.${token.firmwareVersion.minor}`, minPin: Number(token.minPinLen), maxPin: Number(token.maxPinLen), flags: tokenFlags(Number(token.flags)),
      },
    }];
  });
}

function tokenFlags(flags: number): NonNullable<SlotState['token']>['flags'] {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  return {
    loginRequired: has(CKF.LOGIN_REQUIRED), rng: has(CKF.RNG), writeProtected: has(CKF.WRITE_PROTECTED), initialised: has(CKF.TOKEN_INITIALIZED), pinpad: has(CKF.PROTECTED_AUTHENTICATION_PATH),
    userPin: { set: has(CKF.USER_PIN_INITIALIZED), countLow: has(CKF.USER_PIN_COUNT_LOW), finalTry: has(CKF.USER_PIN_FINAL_TRY), locked: has(CKF.USER_PIN_LOCKED), toBeChanged: has(CKF.USER_PIN_TO_BE_CHANGED) },
    soPin: { countLow: has(CKF.SO_PIN_COUNT_LOW), finalTry: has(CKF.SO_PIN_FINAL_TRY), locked: has(CKF.SO_PIN_LOCKED), toBeChanged: has(CKF.SO_PIN_TO_BE_CHANGED) },
  };
}

/** Fixed fields are padded with blanks; some modules end them with zeros. */
const trimmed = (text: string): string => text.replace(/\0.*$/s, '').trim();
