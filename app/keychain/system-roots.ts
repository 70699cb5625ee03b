import { getCACertificates } from 'node:tls';
import { Certificate } from '../certificates/index.ts';

let known: readonly Certificate[] | undefined;

/** @returns the roots that this system trusts, read once; where it tells none, those that come with Node. What cannot be read is passed over. */
export function systemRoots(): readonly Certificate[] {
  if (known !== undefined) return known;
  const pems = getCACertificates('system');
  const found = new Map<string, Certificate>();
  for (const pem of pems.length > 0 ? pems : getCACertificates('bundled')) {
    try {
      const certificate = new Certificate(Buffer.from(pem.replaceAll(/-----[^-]*-----|\s/g, ''), 'base64'));
      found.set(certificate.id, certificate);
    } catch {
      // A root that nobody can read is nobody's root.
    }
  }
  return (known = [...found.values()]);
}
