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
      if (current) setFormat(starts.length > 0 && starts.every(isPdf) ? 'pdf' : undefined);
    });
    return () => { current = false; };
  }, [files]);
  return format;
}

/** ISO 32000-2 §7.5.2; readers take a document that begins a little later, too. */
const isPdf = (start: Uint8Array): boolean => new TextDecoder('latin1').decode(start).includes('%PDF-');
