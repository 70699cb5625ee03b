import type { Text } from '../i18n/index.ts';

/** A thing in a file, as the core tells of it. */
interface Thing {
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
}

/** Kinds of things that have no name of their own. */
const NAMED_BY_US: ReadonlySet<string> = new Set(['pem', 'cms', 'age', 'openpgp', 'ocsp-request', 'ocsp-response', 'certificate-request', 'sshsig', 'tss2', 'note']);
/** What the core calls a thing that might have had a name. */
const NAMELESS = /^(?:\d+ (?:lines|keys?|signatures?)|JSON form|no algorithm|security key|a signer whose certificate is not in it)$/;

/** Whether a thing is called anything but what it is. */
export const hasTitle = ({ kind, title }: Thing): boolean => title !== '' && title !== kind;

/** @returns what to call a thing: what others wrote as it is, the core's own words in the window's language, and what it is where it is called nothing. */
export function thingTitle(thing: Thing, t: Text): string {
  const { kind, title, detail } = thing;
  if (!hasTitle(thing)) return t.sentence(detail) ?? detail;
  if (kind === 'extension') return t.fact.name(title);
  return t.sentence(`${title}.`)?.replace(/\.$/, '') ?? (NAMED_BY_US.has(kind) || NAMELESS.test(title) ? t.fact.value('', title) : title);
}
