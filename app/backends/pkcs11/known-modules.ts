import { existsSync } from 'node:fs';
import { win32 } from 'node:path';

/** Well-known modules, and where their vendors' installers put them. */
interface KnownModule {
  readonly name: string;
  readonly for: string;
  readonly paths: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>>;
  /** All it does is this machine's own work. */
  readonly inSoftware?: true;
}

/** Where Linux distributions put libraries. */
const libraries = (...names: readonly string[]): string[] => ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib', '/usr/local/lib', '/usr/local/lib64'].flatMap((folder) => names.map((name) => `${folder}/${name}`));

const KNOWN_MODULES: readonly KnownModule[] = [
  { name: 'OpenSC', for: 'smart cards of many kinds', paths: { linux: libraries('opensc-pkcs11.so', 'pkcs11/opensc-pkcs11.so'), darwin: ['/Library/OpenSC/lib/opensc-pkcs11.so', '/usr/local/lib/opensc-pkcs11.so', '/opt/homebrew/lib/opensc-pkcs11.so'], win32: ['C:\\Program Files\\OpenSC Project\\OpenSC\\pkcs11\\opensc-pkcs11.dll'] } },
  { name: 'SoftHSM', for: 'a token in software', inSoftware: true, paths: { linux: libraries('softhsm/libsofthsm2.so', 'pkcs11/libsofthsm2.so', 'libsofthsm2.so'), darwin: ['/usr/local/lib/softhsm/libsofthsm2.so', '/opt/homebrew/lib/softhsm/libsofthsm2.so'], win32: ['C:\\SoftHSM2\\lib\\softhsm2-x64.dll'] } },
  { name: 'YKCS11', for: 'YubiKeys (Keywright uses them without it, too)', paths: { linux: libraries('libykcs11.so.2', 'libykcs11.so'), darwin: ['/usr/local/lib/libykcs11.dylib', '/opt/homebrew/lib/libykcs11.dylib'], win32: ['C:\\Program Files\\Yubico\\Yubico PIV Tool\\bin\\libykcs11.dll'] } },
  { name: 'tpm2-pkcs11', for: 'a TPM 2.0', paths: { linux: libraries('pkcs11/libtpm2_pkcs11.so', 'libtpm2_pkcs11.so.1', 'libtpm2_pkcs11.so') } },
  { name: 'YubiHSM', for: 'YubiHSM 2', paths: { linux: libraries('pkcs11/yubihsm_pkcs11.so', 'yubihsm_pkcs11.so'), darwin: ['/usr/local/lib/pkcs11/yubihsm_pkcs11.dylib', '/opt/homebrew/lib/pkcs11/yubihsm_pkcs11.dylib'], win32: ['C:\\Program Files\\Yubico\\YubiHSM Shell\\bin\\pkcs11\\yubihsm_pkcs11.dll'] } },
  { name: 'AWS CloudHSM', for: 'CloudHSM clusters', paths: { linux: ['/opt/cloudhsm/lib/libcloudhsm_pkcs11.so'], win32: ['C:\\Program Files\\Amazon\\CloudHSM\\lib\\cloudhsm_pkcs11.dll'] } },
  { name: 'nShield', for: 'Entrust nShield HSMs', paths: { linux: ['/opt/nfast/toolkits/pkcs11/libcknfast.so'], win32: ['C:\\Program Files\\nCipher\\nfast\\toolkits\\pkcs11\\cknfast.dll'] } },
  { name: 'Luna', for: 'Thales Luna HSMs', paths: { linux: ['/usr/safenet/lunaclient/lib/libCryptoki2_64.so', '/usr/lunasa/lib/libCryptoki2_64.so', '/opt/safenet/lunaclient/lib/libCryptoki2_64.so'], win32: ['C:\\Program Files\\SafeNet\\LunaClient\\cryptoki.dll'] } },
  { name: 'Kryoptic', for: 'a token in software, PKCS#11 3.x', inSoftware: true, paths: { linux: libraries('pkcs11/libkryoptic_pkcs11.so', 'libkryoptic_pkcs11.so') } },
];

/** @returns each well-known module with the path at which it is installed here, or null. */
export function findKnownModules(exists: (path: string) => boolean = existsSync): { readonly module: KnownModule; readonly path: string | null }[] {
  return KNOWN_MODULES.map((module) => ({ module, path: (module.paths[process.platform] ?? []).find((path) => exists(path)) ?? null }));
}

const nameOfFile = (path: string): string => win32.basename(path).toLowerCase();
const IN_SOFTWARE: ReadonlySet<string> = new Set(KNOWN_MODULES.flatMap(({ inSoftware, paths }) => (inSoftware === true ? Object.values(paths).flat().map(nameOfFile) : [])));

/** @param path of a module. @returns whether its file is called as one that works in software: more calls at once than there are processors gain nothing then. */
export const isInSoftware = (path: string): boolean => IN_SOFTWARE.has(nameOfFile(path));

/** @returns what an instance for a module is called unless somebody gives it another name. */
export const instanceName = (module: string): string => module.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
