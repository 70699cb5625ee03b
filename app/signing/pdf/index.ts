import type { FormatModule } from '../format.ts';
import { notIntact } from '../format.ts';
import { malformed } from '../../formats/malformed.ts';
import { PdfDocument } from './document.ts';
import { evidenceIn } from './evidence.ts';
import { LARGEST_PDF, signPdf } from './sign.ts';
import { signaturesOf } from './signatures.ts';
import { judgeSignature } from './verify.ts';

/** Signatures within a PDF (ISO 32000-2 §12.8): made as PAdES, and judged whatever kind they are. */
export const pdf: FormatModule = {
  sign: signPdf,
  async verify(file, signature, trust) {
    if (signature !== null) throw malformed('A signature of a PDF lies in the document itself.', undefined, 'Leave the signature’s file out.');
    const document = PdfDocument.open(await file.whole(LARGEST_PDF));
    const judge = { trust, beside: evidenceIn(document), signal: file.signal };
    const verdicts = [];
    for (const one of signaturesOf(document)) verdicts.push(await judgeSignature(one, document, judge));
    if (verdicts.length > 0) return verdicts;
    const wasThere = document.bytes.includes('/ByteRange') ? ' It had one once, which a later version took out.' : '';
    return [notIntact(`The document has no signature.${wasThere}`, { unsigned: true })];
  },
};
