import IntlMessageFormat from 'intl-messageformat';

/** The core's reasons in another language than its own, by their keys (`app/contract/reasons.ts`). */
export type Reasons = Readonly<Record<string, { readonly detail: string; readonly remedy?: string }>>;

/** What may be told of a failure: in English, and by its key where it has one. */
export interface Telling {
  readonly detail?: string;
  readonly remedy?: string | undefined;
  readonly reason?: string | undefined;
  readonly values?: Readonly<Record<string, string | number>> | undefined;
}

/** Values that are words of the core and no names of anybody: said in the window's language too. */
const WORDS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  fault: { 'unknown fault': 'unbekannter Fehler' },
  secret: { passphrase: 'die Passphrase', 'recovery code': 'der Wiederherstellungscode', PIN: 'die PIN', PUK: 'die PUK', 'SO PIN': 'die SO-PIN', 'management key': 'der Verwaltungsschlüssel' },
  use: {
    sign: 'signieren', verify: 'prüfen', encrypt: 'verschlüsseln', decrypt: 'entschlüsseln', wrap: 'einpacken', unwrap: 'auspacken', encapsulate: 'kapseln', decapsulate: 'entkapseln',
    'check a MAC': 'MAC prüfen', 'make a MAC': 'MAC bilden', 'agree on a secret': 'ein Geheimnis vereinbaren', 'derive keys': 'Schlüssel ableiten',
  },
  state: { 'pre-active': 'noch nicht gültig', suspended: 'ausgesetzt', deactivated: 'abgeschaltet', compromised: 'kompromittiert', expired: 'abgelaufen', destroyed: 'vernichtet' },
};
const DAY = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** @returns the detail or remedy of a failure in the catalogue's language, or undefined: it is then said in English. */
export function sayReason(reasons: Reasons, language: string, { reason = '', values = {} }: Telling, part: 'detail' | 'remedy'): string | undefined {
  const message = reasons[reason]?.[part];
  if (message === undefined) return undefined;
  const filled = Object.entries(values).map(([name, value]) => [name, typeof value !== 'string' ? value : DAY.test(value) ? new Date(value).toLocaleDateString(language, { dateStyle: 'long' }) : (WORDS[name]?.[value] ?? value)]);
  return String(new IntlMessageFormat(message, language, undefined, { ignoreTag: true }).format(Object.fromEntries(filled)));
}
