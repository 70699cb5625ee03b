import { useText } from '../i18n/index.ts';
import { Prose } from './Prose.tsx';

/** A sentence of the core, in the window's language where its wording is known, else as it is. */
export function Sentence({ text }: { text: string }) {
  const t = useText();
  const said = t.sentence(text);
  return said === undefined ? <span lang="en"><Prose text={text} /></span> : <Prose text={said} />;
}
