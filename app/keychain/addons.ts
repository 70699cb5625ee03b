import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const OPTIONAL = [{ name: 'pkcs11js', purpose: 'using PKCS#11 modules', file: 'build/Release/pkcs11.node' }] as const;

/** @returns the addons that are built at install where a compiler is, and whether each is there. Loads none of them. */
export function findOptionalAddons(): { name: string; purpose: string; present: boolean }[] {
  const require = createRequire(import.meta.url);
  return OPTIONAL.map(({ name, purpose, file }) => {
    try {
      return { name, purpose, present: existsSync(join(dirname(require.resolve(`${name}/package.json`)), file)) };
    } catch {
      return { name, purpose, present: false };
    }
  });
}
