/** What a dropped file is likely to be, by its name: only which tab to show, its content decides. */

export const isSignature = (name: string): boolean => /\.(?:sig|p7s|minisig|sshsig|jws|cose|dsse\.json|tsr|asc)$/i.test(name);
export const isEncrypted = (name: string): boolean => /\.(?:age|p7m|p7m\.pem|jwe|gpg|pgp)$/i.test(name);
