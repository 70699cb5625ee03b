import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** @returns a common name that is the name or address of a host as an alternative name, `dns:example.org`; undefined for "Ada Example". */
export function hostOfCommonName(text: string): string | undefined {
  if (isIP(text) !== 0) return `ip:${text}`;
  const bare = text.replace(/^\*\./, '');
  if (/\s/.test(text) || !bare.includes('.') || domainToASCII(bare) === '') return undefined;
  return `dns:${text}`;
}
