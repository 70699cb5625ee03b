import { createRequire } from 'node:module';
import { KeywrightError } from '../../../contract/index.ts';

/**
 * What is used of the addon `pkcs11js`. Said here and not imported from it: the package is optional, and where it was not built npm takes it
 * away together with its types. Its functions are those of PKCS#11 (v3.1 §5) by their names there.
 */
export type Handle = Buffer;

/** `CK_MECHANISM`. A structure of parameters names its kind (`PARAMS` in `../constants.ts`). */
export interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: Buffer | number | ({ readonly type: number } & Readonly<Record<string, unknown>>);
}

export type Template = { type: number; value?: number | boolean | string | Buffer | Date }[];

interface Version { readonly major: number; readonly minor: number }

export interface SlotInfo { readonly slotDescription: string; readonly manufacturerID: string; readonly flags: number }

export interface TokenInfo {
  readonly label: string;
  readonly manufacturerID: string;
  readonly model: string;
  readonly serialNumber: string;
  readonly flags: number;
  readonly minPinLen: number;
  readonly maxPinLen: number;
  readonly hardwareVersion: Version;
  readonly firmwareVersion: Version;
}

/** One loaded module. Buffers given for an answer are cut to its length; `…Async` works in a thread of the pool. */
export interface Pkcs11 {
  load(path: string): void;
  C_Initialize(options: { flags: number }): void;
  C_Finalize(): void;
  C_GetInfo(): { readonly cryptokiVersion: Version; readonly manufacturerID: string; readonly libraryDescription: string; readonly libraryVersion: Version };
  C_GetSlotList(tokenPresent: boolean): Handle[];
  C_GetSlotInfo(slot: Handle): SlotInfo;
  C_GetTokenInfo(slot: Handle): TokenInfo;
  C_InitToken(slot: Handle, pin: string, label: string): string;
  C_InitPIN(session: Handle, pin: string): void;
  C_SetPIN(session: Handle, oldPin: string, newPin: string): void;
  C_GetMechanismList(slot: Handle): number[];
  C_GetMechanismInfo(slot: Handle, mechanism: number): { readonly minKeySize: number; readonly maxKeySize: number; readonly flags: number };
  C_OpenSession(slot: Handle, flags: number): Handle;
  C_CloseSession(session: Handle): void;
  C_CloseAllSessions(slot: Handle): void;
  C_Login(session: Handle, userType: number, pin?: string): void;
  C_Logout(session: Handle): void;
  C_CreateObject(session: Handle, template: Template): Handle;
  C_DestroyObject(session: Handle, object: Handle): void;
  C_GetAttributeValue(session: Handle, object: Handle, template: Template): { type: number; value: Buffer }[];
  C_FindObjectsInit(session: Handle, template: Template): void;
  C_FindObjects(session: Handle, most: number): Handle[];
  C_FindObjectsFinal(session: Handle): void;
  C_EncryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Encrypt(session: Handle, data: Buffer, out: Buffer): Buffer;
  C_EncryptAsync(session: Handle, data: Buffer, out: Buffer): Promise<Buffer>;
  C_DecryptInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Decrypt(session: Handle, data: Buffer, out: Buffer): Buffer;
  C_DecryptAsync(session: Handle, data: Buffer, out: Buffer): Promise<Buffer>;
  C_SignInit(session: Handle, mechanism: Mechanism, key: Handle): void;
  C_Sign(session: Handle, data: Buffer, out: Buffer): Buffer;
  C_SignAsync(session: Handle, data: Buffer, out: Buffer): Promise<Buffer>;
  C_GenerateKeyAsync(session: Handle, mechanism: Mechanism, template: Template): Promise<Handle>;
  C_GenerateKeyPairAsync(session: Handle, mechanism: Mechanism, publicTemplate: Template, privateTemplate: Template): Promise<{ privateKey: Handle; publicKey: Handle }>;
  C_WrapKey(session: Handle, mechanism: Mechanism, wrappingKey: Handle, key: Handle, out: Buffer): Buffer;
  C_WrapKeyAsync(session: Handle, mechanism: Mechanism, wrappingKey: Handle, key: Handle, out: Buffer): Promise<Buffer>;
  C_UnwrapKeyAsync(session: Handle, mechanism: Mechanism, unwrappingKey: Handle, wrapped: Buffer, template: Template): Promise<Handle>;
  C_DeriveKeyAsync(session: Handle, mechanism: Mechanism, key: Handle, template: Template): Promise<Handle>;
  C_GenerateRandom(session: Handle, out: Buffer): Buffer;
}

/** Beside the class it holds the names of PKCS#11's numbers, such as `CKM_AES_KEY_WRAP`. */
export interface Addon extends Readonly<Record<string, unknown>> {
  readonly PKCS11: new () => Pkcs11;
}

// Under a name of its own: what is not there on every machine is no import.
const load = createRequire(import.meta.url);

/** @throws BACKEND_UNAVAILABLE when the addon was not built */
export function loadAddon(): Addon {
  try {
    return load('pkcs11js') as Addon;
  } catch (cause) {
    throw new KeywrightError('BACKEND_UNAVAILABLE', {
      detail: 'The PKCS#11 addon (pkcs11js) is not built, so no PKCS#11 module can be used.',
      remedy: 'Install a C++ compiler (Debian: g++), then run `node scripts/build-addons.mjs` in Keywright’s folder.', cause,
    });
  }
}
