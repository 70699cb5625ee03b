import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { calendar, csv, type ExpiringRow } from './expiry-files.ts';

/** Labels and names that somebody else chose. */
const LABELS = ['plain', 'with, comma; semi\\colon', 'two\nlines', 'two\r\nlines', 'a\rb', '=HYPERLINK("http://example.org")', '"quoted"', 'ü'.repeat(200), '😀'.repeat(60), '\u202Egnp.exe', 'tab\there', '+49 123', '-1', '@x', '\0'];
const ROWS = LABELS.map((label, index): ExpiringRow => ({ id: index.toString(16).padStart(64, '0'), label, subject: `CN=${label}`, issuer: 'CN=Authority, Ltd.', notAfter: '2030-12-31T23:59:59.000Z', days: 5, place: 'This store', key: null, renewable: true, revoked: false }));

describe('a calendar of what ends', () => {
  const content = calendar(ROWS);

  test('has lines of 75 bytes at most, parted by CR LF, with no other control character', () => {
    expect(content.endsWith('\r\n')).toBe(true);
    const lines = content.slice(0, -2).split('\r\n');
    for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
    for (const line of lines) expect(line).not.toMatch(/[\u0000-\u0008\u000A-\u001F\u007F\u202A-\u202E\u2066-\u2069]/);
  });

  test('has an event for each, with what RFC 5545 §3.6.1 asks for, and texts that say what was meant', () => {
    const unfolded = content.replaceAll(/\r\n[ \t]/g, '').split('\r\n');
    const of = (name: string): string[] => unfolded.filter((line) => line.startsWith(name)).map((line) => line.slice(line.indexOf(':') + 1));
    expect(new Set(of('UID:')).size).toBe(ROWS.length);
    expect(of('DTSTAMP:').every((stamp) => /^\d{8}T\d{6}Z$/.test(stamp))).toBe(true);
    expect(of('DTSTART;VALUE=DATE:')).toEqual(ROWS.map(() => '20301231'));
    const said = of('SUMMARY:').map((text) => text.replaceAll(/\\(.)/g, (_all, character: string) => (character === 'n' ? '\n' : character)));
    expect(said.slice(0, 5)).toEqual(['plain', 'with, comma; semi\\colon', 'two\nlines', 'two\nlines', 'a\nb'].map((label) => `Certificate “${label}” ends`));
    for (const text of of('SUMMARY:')) expect(text).not.toMatch(/(?<!\\)(?:\\\\)*[;,]/);
  });
});

test('a calendar without anything that ends has a component that nobody sees, as RFC 5545 §3.6 wants', () => {
  const lines = calendar([]).slice(0, -2).split('\r\n');
  expect([lines[0], lines.at(-1)]).toEqual(['BEGIN:VCALENDAR', 'END:VCALENDAR']);
  const components = lines.filter((line) => line.startsWith('BEGIN:')).map((line) => line.slice(6));
  expect(components).toEqual(['VCALENDAR', 'VTIMEZONE', 'STANDARD']);
  for (const name of components) expect(lines.filter((line) => line === `END:${name}`)).toHaveLength(1);
  // §3.6.5: what a time zone and its STANDARD must have.
  for (const needed of ['TZID:', 'DTSTART:', 'TZOFFSETFROM:', 'TZOFFSETTO:']) expect(lines.filter((line) => line.startsWith(needed))).toHaveLength(1);
  expect(calendar(ROWS)).not.toContain('VTIMEZONE');
});

test.skipIf(spawnSync('python3', ['--version']).status !== 0)('a table is read by another program as it was written, and no cell is a formula', () => {
  const { stdout } = spawnSync('python3', ['-c', 'import csv,json,sys,io; print(json.dumps(list(csv.reader(io.StringIO(sys.stdin.buffer.read().decode(), newline=""), strict=True))))'], { input: csv(ROWS), encoding: 'utf8' });
  const [head, ...rows] = JSON.parse(stdout) as string[][];
  expect(head).toHaveLength(9);
  expect(rows.map(([label]) => label!.replace(/^'/, ''))).toEqual(LABELS);
  for (const [cell = ''] of rows) expect(/^[=+@\t\r]/.test(cell)).toBe(false);
});
