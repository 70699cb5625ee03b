import { recognise, type Recognised } from '../../formats/index.ts';
import { DerReader, TAG } from '../../formats/der.ts';
import { recogniseSignature } from '../../signing/recognise.ts';
import type { SignatureFormatName } from '../../contract/index.ts';
import { isTimestampResponse } from '../../signing/timestamp/token.ts';

/** What the formats of keys do not know: questions and answers of OCSP and timestamping, TPM keys in DER, archives and XML. */

/** What may hold its signatures itself. */
const CONTAINERS: Readonly<Partial<Record<SignatureFormatName, readonly [what: string, detail: string]>>> = {
  jar: ['jar', 'A ZIP archive, as JAR and APK are.'], asic: ['asic', 'A container of files with their signatures (ASiC).'], xml: ['xml', 'An XML document.'],
};

export function sniffMore(content: Uint8Array): Recognised | undefined {
  const told = (what: string, detail: string): Recognised => ({ what, readable: false, detail });
  const signed = CONTAINERS[recogniseSignature(content.subarray(0, 64 * 1024))];
  if (signed !== undefined && recognise(content).what === 'unknown') return told(...signed);
  if (content[0] !== TAG.sequence) return undefined;
  if (recognise(content).what !== 'unknown') return undefined;
  if (isTimestampResponse(content)) return told('timestamp-response', 'The answer of a timestamp authority (RFC 3161).');
  try {
    const outer = new DerReader(content);
    const inside = outer.enter('it');
    outer.finish('it');
    const first = inside.next('it');
    if (first.tag === TAG.oid) return new DerReader(content, first.offset).oid('it').startsWith('2.23.133.10.1.') ? told('tss2', 'A key of a TPM (TSS2 private key): only the TPM that made it can use it.') : undefined;
    if (first.tag === TAG.integer && inside.peek() === TAG.sequence) return told('timestamp-request', 'A request for a timestamp (RFC 3161).');
    // OCSPRequest { tbsRequest { [0] version?, [1] requestor?, requestList { { certID { algorithm … } } } } }
    if (first.tag === TAG.sequence) {
      const tbs = inside.inside(first);
      while (tbs.peek() === 0xa0 || tbs.peek() === 0xa1) tbs.next('it');
      const id = tbs.enter('it').enter('it').enter('it');
      id.enter('it').oid('it');
      id.octets('it');
      return told('ocsp-request', 'An OCSP request: a question whether certificates are revoked.');
    }
  } catch { /* it is none of these */ }
  return undefined;
}
