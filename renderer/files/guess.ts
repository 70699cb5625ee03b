/** What a dropped file is likely to be, by its name: only which tab to show, its content decides. And how to name what is made of it. */

export const isSignature = (name: string): boolean => /\.(?:sig|p7s|minisig|sshsig|jws|cose|dsse\.json|tsr|asc)$/i.test(name);
export const isEncrypted = (name: string): boolean => /\.(?:age|p7m|p7m\.pem|jwe|gpg|pgp)$/i.test(name);

/** @returns of several names that of a file which may be the manifest of a batch, and whether it likely is; undefined when none may, or several. */
export function manifestAmong(names: readonly string[]): { readonly name: string; readonly likely: boolean } | undefined {
  const may = names.filter((name) => /\.json$/i.test(name) && !isSignature(name) && (names.length === 1 || /manifest/i.test(name)));
  const [name] = may;
  if (name === undefined || may.length > 1) return undefined;
  return { name, likely: /manifest/i.test(name) && (names.length === 1 || names.some((other) => other.startsWith(`${name}.`) && isSignature(other))) };
}

/** @returns the name to offer for a file's signature, or for its copy with the signature within. */
export function signatureName(name: string, format: { readonly suffix: string; readonly copy: boolean } | undefined): string {
  // What is a container already gets another signature within.
  const isCopy = format?.copy === true || (format?.suffix === '.asice' && name.endsWith(format.suffix));
  const ending = isCopy ? (/[^.]\.[^.]{1,10}$/.exec(name)?.[0].slice(1) ?? '') : '';
  return `${name.slice(0, name.length - ending.length)}${isCopy ? '.signed' : (format?.suffix ?? '.sig')}${ending}`;
}
