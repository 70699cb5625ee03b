import { expect, test } from 'vitest';
import { ENGLISH } from '../i18n/catalogue.ts';
import { makeText } from '../i18n/text.tsx';
import { jsonReport, textReport, type Report } from './report.tsx';

const report: Report = {
  operation: 'files.verify', at: new Date('2026-11-29T09:00:00Z'), asked: { key: 'kw:software/abc' },
  files: [
    { name: '/a/one.txt', kind: 'valid', detail: 'As signed.', told: { bytes: 3, name: 'another' } },
    { name: '/a/two\u001b[31m\n.txt', kind: 'unsigned' },
    { name: '/a/three.txt', kind: 'valid' },
  ],
};

test('a report for programs is JSON with what was asked, counts, and each file as it was told', () => {
  expect(JSON.parse(jsonReport(report))).toEqual({
    report: 'keywright', version: 1, operation: 'files.verify', at: '2026-11-29T09:00:00.000Z', asked: { key: 'kw:software/abc' }, counts: { valid: 2, unsigned: 1 },
    files: [{ bytes: 3, name: '/a/one.txt', result: 'valid', detail: 'As signed.' }, { name: '/a/two\u001b[31m\n.txt', result: 'unsigned' }, { name: '/a/three.txt', result: 'valid' }],
  });
});

test('a report for people has a line a file, and nothing in a name that would act on a terminal', () => {
  const lines = textReport(report, makeText('en', ENGLISH)).split('\n');
  expect(lines[0]).toContain('files.verify');
  expect(lines[1]).toBe('Valid: 2, Not signed: 1');
  expect(lines.slice(3)).toEqual(['Valid       /a/one.txt  – As signed.', 'Not signed  /a/two\ufffd[31m\ufffd.txt', 'Valid       /a/three.txt', '']);
});
