/** Numbers and times in words of the chosen language. */
import type { Text } from './text.tsx';

const UNITS = [
  ['year', 31_557_600], ['month', 2_629_800], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1],
] as const;

/** Formats cost far more to make than to use, and lists use thousands. */
function kept<T>(make: (language: string) => T): (language: string) => T {
  const made = new Map<string, T>();
  return (language) => {
    const known = made.get(language);
    if (known !== undefined) return known;
    const format = make(language);
    made.set(language, format);
    return format;
  };
}

const locale = (language: string): string => (language === 'en' ? 'en-GB' : language);
const relativeFormat = kept((language) => new Intl.RelativeTimeFormat(locale(language), { numeric: 'auto' }));
const timeFormat = kept((language) => new Intl.DateTimeFormat(locale(language), { dateStyle: 'medium', timeStyle: 'medium' }));
const numberFormat = kept((language) => new Intl.NumberFormat(locale(language)));

/** @returns "in 9 days", "3 minutes ago", "yesterday". */
export function relativeTime(time: Date, now: Date, language: string): string {
  const seconds = (time.getTime() - now.getTime()) / 1000;
  const format = relativeFormat(language);
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1];
  // Weeks read badly under a month: "in 9 days" says more than "next week".
  if (unit === 'week') return format.format(Math.round(seconds / 86_400), 'day');
  return format.format(unit === 'second' ? 0 : Math.round(seconds / size), unit);
}

/** @returns "24 Nov 2026, 14:03:21". */
export function exactTime(time: Date, language: string): string {
  return timeFormat(language).format(time);
}

/** @returns a day: "30 December", with its year where that is not the one of `now`. */
function dayOf(time: Date, now: Date, language: string): string {
  return new Intl.DateTimeFormat(locale(language), { day: 'numeric', month: 'long', ...(time.getFullYear() !== now.getFullYear() && { year: 'numeric' }) }).format(time);
}

/** @returns until when the trash keeps something, as a day. @param trashedUntil as records have it (ISO 8601) */
export function keptUntil({ trashedUntil }: { trashedUntil: string | null }, t: Text): string {
  return trashedUntil === null ? '' : dayOf(new Date(trashedUntil), new Date(), t.language);
}

/** @returns "1.2 MB". */
export function byteSize(bytes: number, language: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
  const power = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(locale(language), { style: 'unit', unit: units[power] ?? 'byte', unitDisplay: power === 0 ? 'long' : 'short', maximumFractionDigits: power === 0 ? 0 : 1 })
    .format(bytes / 1000 ** power);
}

export function wholeNumber(value: number, language: string): string {
  return numberFormat(language).format(value);
}

/** @returns "signing, verifying": a list of messages by their keys, in the language's own way. */
export function listOf(items: readonly string[], t: Text): string {
  return new Intl.ListFormat(locale(t.language), { type: 'unit', style: 'short' }).format(items);
}
