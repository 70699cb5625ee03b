import { harmless } from '../certificates/reading/text.ts';

/** What ends when, as files that other programs read: CSV (RFC 4180) and a calendar (RFC 5545). */

export interface ExpiringRow {
  readonly id: string;
  readonly label: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notAfter: string;
  readonly days: number;
  readonly place: string;
  readonly key: string | null;
  readonly renewable: boolean;
  readonly revoked: boolean;
}

const COLUMNS = ['label', 'subject', 'issuer', 'notAfter', 'days', 'place', 'key', 'id', 'revoked'] as const;

export function csv(rows: readonly ExpiringRow[]): string {
  return [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => cell(String(row[column] ?? ''))).join(','))].map((line) => `${line}\r\n`).join('');
}

/** A cell that a spreadsheet would take for a formula begins with an apostrophe: names come from strangers. */
function cell(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/**
 * A calendar must have one component at least (RFC 5545 §3.6), and some readers refuse one that has none. Where nothing ends, it is the time zone: it shows nobody anything.
 * With events it is not needed, since days have none.
 */
const NO_EVENTS = ['BEGIN:VTIMEZONE', 'TZID:UTC', 'BEGIN:STANDARD', 'DTSTART:19700101T000000', 'TZOFFSETFROM:+0000', 'TZOFFSETTO:+0000', 'TZNAME:UTC', 'END:STANDARD', 'END:VTIMEZONE'];

/** An event of a day for each, with a reminder two weeks before. */
export function calendar(rows: readonly ExpiringRow[]): string {
  const stamp = compact(new Date().toISOString());
  const events = rows.flatMap(({ id, label, subject, issuer, notAfter, place, key, revoked }) => [
    'BEGIN:VEVENT', `UID:${id}@keywright`, `DTSTAMP:${stamp}`, `DTSTART;VALUE=DATE:${notAfter.slice(0, 10).replaceAll('-', '')}`, `SUMMARY:${text(`Certificate “${label}” ends${revoked ? ' (revoked)' : ''}`)}`,
    `DESCRIPTION:${text(`Subject: ${subject}\nIssuer: ${issuer}\nEnds: ${notAfter}\nPlace: ${place}\nKey: ${key ?? 'not held here'}\nSHA-256: ${id}`)}`, 'TRANSP:TRANSPARENT',
    'BEGIN:VALARM', 'ACTION:DISPLAY', `DESCRIPTION:${text(`Certificate “${label}” ends`)}`, 'TRIGGER:-P14D', 'END:VALARM', 'END:VEVENT',
  ]);
  const lines = ['BEGIN:VCALENDAR', 'VERSION:2.0', 'PRODID:-//Keywright//Certificates//EN', 'CALSCALE:GREGORIAN', ...(events.length === 0 ? NO_EVENTS : events), 'END:VCALENDAR'];
  return lines.flatMap(folded).map((line) => `${line}\r\n`).join('');
}

const compact = (time: string): string => `${time.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
/** TEXT (RFC 5545 §3.3.11): no control characters, and lines of the value are parted by `\\n`. Labels and names come from strangers. */
const text = (value: string): string => value.split(/\r\n?|\n/).map((line) => harmless(line).replaceAll(/[\\;,]/g, '\\$&')).join('\\n');

/** RFC 5545 §3.1: lines of at most 75 octets, and no character is cut. */
function folded(line: string): string[] {
  const parts: string[] = [];
  let part = '';
  let bytes = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (bytes + size > 75) {
      parts.push(part);
      part = ' ';
      bytes = 1;
    }
    part += character;
    bytes += size;
  }
  return [...parts, part];
}
