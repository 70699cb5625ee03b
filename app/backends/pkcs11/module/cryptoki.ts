import { readFileSync } from 'node:fs';
import { KeywrightError } from '../../../contract/index.ts';
import { CKF, CKR } from '../constants.ts';
import { CryptokiError, isReturn } from '../errors.ts';
import { loadAddon, type Addon, type Handle, type Mechanism as CkMechanism, type Pkcs11, type SlotInfo, type Template, type TokenInfo } from './addon.ts';

export type { CkMechanism, Handle, Template };

/**
 * A module that is loaded into this process and initialised (PKCS#11 v3.1 §5.4), and its functions with our errors. One a process:
 * modules were not made to share one.
 */
export class Cryptoki {
  readonly #lib: Pkcs11;
  readonly info: { readonly library: string; readonly manufacturer: string; readonly version: string; readonly cryptoki: string };
  /** `CKM_…` by number, as far as they have names. */
  readonly mechanismNames: ReadonlyMap<number, string>;

  private constructor(addon: Addon, lib: Pkcs11) {
    this.#lib = lib;
    const { cryptokiVersion, libraryDescription, libraryVersion, manufacturerID } = this.call('C_GetInfo', () => lib.C_GetInfo());
    const version = ({ major, minor }: { major: number; minor: number }): string => `${major}.${minor}`;
    this.info = { library: libraryDescription.trim(), manufacturer: manufacturerID.trim(), version: version(libraryVersion), cryptoki: version(cryptokiVersion) };
    const named = Object.entries(addon).filter(([name, value]) => name.startsWith('CKM_') && typeof value === 'number') as [string, number][];
    this.mechanismNames = new Map([...named.map(([name, value]) => [value, name] as const), ...LATER_MECHANISMS]);
  }

  /** @throws BACKEND_UNAVAILABLE with what is wrong with the file */
  static load(path: string): Cryptoki {
    const addon = loadAddon();
    const lib = new addon.PKCS11();
    try {
      lib.load(path);
    } catch (cause) {
      throw notLoading(path, cause);
    }
    try {
      lib.C_Initialize({ flags: CKF.OS_LOCKING_OK });
    } catch (thrown) {
      // A module that another part of its own (a proxy, an engine) has initialised already is as good.
      if ((thrown as { code?: number }).code !== CKR.CRYPTOKI_ALREADY_INITIALIZED) {
        const { facts } = toError(thrown, 'C_Initialize');
        throw new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The module does not start: ${facts.detail}`, remedy: 'See its maker’s guide for its configuration file and environment (setting `environment`).', cause: thrown });
      }
    }
    return new Cryptoki(addon, lib);
  }

  /** Calls the module. @throws CryptokiError */
  call<T>(name: string, work: (lib: Pkcs11) => T): T {
    try {
      return work(this.#lib);
    } catch (thrown) {
      throw toError(thrown, name);
    }
  }

  /** Calls the module in a thread of the pool. @throws CryptokiError */
  async callAsync<T>(name: string, work: (lib: Pkcs11) => Promise<T>): Promise<T> {
    try {
      return await work(this.#lib);
    } catch (thrown) {
      throw toError(thrown, name);
    }
  }

  slots(): Handle[] {
    return this.call('C_GetSlotList', (lib) => lib.C_GetSlotList(false));
  }

  slotInfo(slot: Handle): SlotInfo {
    return this.call('C_GetSlotInfo', (lib) => lib.C_GetSlotInfo(slot));
  }

  /** @returns null when no token is in. */
  tokenInfo(slot: Handle): TokenInfo | null {
    try {
      return this.call('C_GetTokenInfo', (lib) => lib.C_GetTokenInfo(slot));
    } catch (thrown) {
      if (isReturn(thrown, 'TOKEN_NOT_PRESENT', 'TOKEN_NOT_RECOGNIZED', 'DEVICE_REMOVED', 'SLOT_ID_INVALID')) return null;
      throw thrown;
    }
  }

  finalize(): void {
    try {
      this.#lib.C_Finalize();
    } catch {
      // The process ends anyway.
    }
  }
}

/** Mechanisms of v3.0 and later that tokens are met with. */
const LATER_MECHANISMS: readonly (readonly [number, string])[] = [
  [0x1055, 'CKM_EC_EDWARDS_KEY_PAIR_GEN'], [0x1056, 'CKM_EC_MONTGOMERY_KEY_PAIR_GEN'], [0x1057, 'CKM_EDDSA'], [0x210b, 'CKM_AES_KEY_WRAP_KWP'], [0x1054, 'CKM_RSA_AES_KEY_WRAP'],
  [0x402a, 'CKM_HKDF_DERIVE'], [0x1c, 'CKM_ML_DSA_KEY_PAIR_GEN'], [0x1d, 'CKM_ML_DSA'], [0xf, 'CKM_ML_KEM_KEY_PAIR_GEN'], [0x17, 'CKM_ML_KEM'],
];

function toError(thrown: unknown, call: string): KeywrightError {
  if (thrown instanceof KeywrightError) return thrown;
  const { code } = thrown as { code?: unknown };
  if (typeof code === 'number' && code !== 0) return new CryptokiError(code, call);
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `The module answered ${call} with something that makes no sense.`, remedy: 'Install another version of it.', cause: thrown });
}

function notLoading(path: string, cause: unknown): KeywrightError {
  return new KeywrightError('BACKEND_UNAVAILABLE', { detail: `${path} does not load: ${whyNot(path, cause)}.`, remedy: 'Give the path of the PKCS#11 module that the token’s maker names, made for this system.', cause });
}

const MACHINES: Readonly<Record<number, string>> = { 0x03: 'x86 (32 bits)', 0x28: 'ARM (32 bits)', 0x3e: 'x86-64', 0xb7: 'ARM64', 0xf3: 'RISC-V', 0x15: 'PowerPC', 0x16: 'S390' };
const OWN_MACHINE: Readonly<Record<string, number>> = { x64: 0x3e, arm64: 0xb7, ia32: 0x03, arm: 0x28 };

function whyNot(path: string, cause: unknown): string {
  let head: Buffer;
  try {
    head = readFileSync(path).subarray(0, 64);
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    return code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : `it cannot be read (${code})`;
  }
  if (process.platform === 'linux') {
    if (head.toString('latin1', 0, 4) !== '\x7fELF') return 'it is no shared library';
    const machine = head.readUInt16LE(18);
    if (machine !== OWN_MACHINE[process.arch]) return `it is made for another processor, ${MACHINES[machine] ?? `ELF machine ${machine}`}, and this is ${process.arch}`;
  }
  const said = cause instanceof Error ? cause.message.split('\n')[0] ?? '' : '';
  return /symbol/i.test(said) || said.includes('C_GetFunctionList') ? 'it is a shared library, but no PKCS#11 module (it has no C_GetFunctionList)' : said.slice(0, 300) || 'the system’s loader refuses it';
}
