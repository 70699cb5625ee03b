import { Fragment } from 'react';

/** A text in which commands stand between backquotes, as the core writes them: here they look like what is typed. */
export function Prose({ text }: { text: string }) {
  if (!text.includes('`')) return text;
  const parts = text.split('`');
  // A last backquote without its fellow is a character like others.
  if (parts.length % 2 === 0) return text;
  return parts.map((part, index) => (index % 2 === 0 ? <Fragment key={index}>{part}</Fragment> : <code key={index} className="font-mono text-12 break-words">{part}</code>));
}
