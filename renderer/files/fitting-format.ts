import { useEffect, useState } from 'react';
import type { ChosenFile, OutputFor } from '../bridge/index.ts';

/** Which format to offer first for files that were chosen, told by their content. */

type Format = OutputFor<'files.formats'>['rows'][number]['format'];
const START = 1024;

/** @returns the format whose signatures lie within files of this kind, if all of them are of one by their content. */
export function useFittingFormat(files: readonly ChosenFile[]): Format | undefined {
  const [format, setFormat] = useState<Format>();
  useEffect(() => {
    let current = true;
    void Promise.all(files.map((file) => file.start(START))).then((starts) => {
      const [told, ...others] = [...new Set(starts.map(formatWithin))];
      if (current) setFormat(others.length === 0 ? told : undefined);
    });
    return () => { current = false; };
  }, [files]);
  return format;
}

function formatWithin(start: Uint8Array): Format | undefined {
  const text = new TextDecoder('latin1').decode(start);
  // ISO 32000-2 §7.5.2; readers take a document that begins a little later, too.
  if (text.includes('%PDF-')) return 'pdf';
  if (!text.startsWith('PK\u0003\u0004')) return undefined;
  if (text.startsWith('mimetypeapplication/vnd.etsi.asic-', 30)) return 'asic';
  return /META-INF\/|AndroidManifest\.xml|classes\.dex/.test(text) ? 'jar' : undefined;
}
