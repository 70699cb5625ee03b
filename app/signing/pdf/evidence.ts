import { type Beside, Certificate, type OcspResponse, parseOcspResponse, RevocationList } from '../../certificates/index.ts';
import { KeywrightError } from '../../contract/index.ts';
import type { PdfDocument } from './document.ts';
import { PdfStream } from './values.ts';

/**
 * What a document keeps to verify its signatures with later (the document security store, ISO 32000-2 §12.8.4.3): certificates, revocation
 * lists and OCSP responses. What cannot be read is passed over: it is evidence, and no part of a signature.
 */
const MAX_EACH = 100;

/** @returns what the document brings to verify with: its document security store (ISO 32000-2 §12.8.4.3). */
export function evidenceIn(document: PdfDocument): Beside {
  const store = passingOver(() => document.dict(document.root.get('DSS')));
  const all = <T>(key: string, read: (content: Uint8Array) => T): T[] => (passingOver(() => document.array(store?.get(key))) ?? []).slice(0, MAX_EACH).flatMap((one) => {
    const found = passingOver(() => {
      const stream = document.get(one);
      return stream instanceof PdfStream ? read(document.open(stream, 'What signatures are verified with')) : undefined;
    });
    return found === undefined ? [] : [found];
  });
  return { certificates: all('Certs', (content) => new Certificate(content)), crls: all('CRLs', (content) => new RevocationList(content)), ocsp: all<OcspResponse>('OCSPs', (content) => parseOcspResponse(content)) };
}

function passingOver<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof KeywrightError) return undefined;
    throw thrown;
  }
}
