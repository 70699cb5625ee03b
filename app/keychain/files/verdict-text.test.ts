import { expect, test } from 'vitest';
import type { JudgedFile } from './verdicts.ts';
import { verdictText } from './verdict-text.ts';

const signer = { key: null, label: null, name: 'CN=Ada', fingerprint: 'SHA256:00ff', version: null };
const signature = { from: '/a.p7s', format: 'cms', intact: true, signer, trustedBy: { source: 'root', name: 'CN=Root' }, time: { at: '2026-01-01T00:00:00.000Z', according: 'timestamp', by: 'CN=Clock', path: null }, algorithm: 'ecdsa-sha256', path: null, problem: null, notes: ['It is a copy.'], coverage: null } satisfies JudgedFile['signatures'][number];
const file = { name: '/a', state: 'trusted', code: null, intact: true, trusted: true, verdict: 'The file is as it was signed.', signatureFiles: ['/a.p7s'], signer, algorithm: 'ecdsa-sha256', format: 'cms', bytes: 3, signatures: [signature] } satisfies JudgedFile;

test('what holds is told with who says so, and when', () => {
  expect(verdictText(file)).toBe(`✓ /a
  The file is as it was signed.

  Signature: cms, ecdsa-sha256, in /a.p7s
    ✓ It fits the file.
    ✓ By CN=Ada (SHA256:00ff)
      trusted by CN=Root
    ✓ At 2026-01-01T00:00:00.000Z, according to CN=Clock
    · It is a copy.`);
});

test('what does not hold, and whom nobody vouches for, has no tick', () => {
  const bad = { ...file, state: 'invalid' as const, verdict: 'The digest is another.', signatures: [{ ...signature, from: null, intact: false, problem: 'The digest is another.', trustedBy: null, time: null, notes: [] }] };
  expect(verdictText(bad)).toBe('✗ /a\n  The digest is another.\n\n  Signature: cms, ecdsa-sha256, in the file itself\n    ✗ It does not fit the file.\n    ! By CN=Ada (SHA256:00ff)');
  const stranger = { ...file, state: 'untrusted' as const, verdict: 'Intact, by a stranger.', signatures: [signature, { ...signature, trustedBy: null, problem: 'Nobody vouches for Ada.', time: null, notes: [], coverage: { bytes: 10, revision: 1, revisions: 2, changes: ['form' as const] } }] };
  const text = verdictText(stranger);
  expect(text).toContain('Signature 2 of 2');
  expect(text).toContain('    ! It covers the first 10 bytes, version 1 of 2; added since: form.\n    ! By CN=Ada (SHA256:00ff)\n      Nobody vouches for Ada.');
});

test('what has no signature says that alone', () => {
  expect(verdictText({ ...file, state: 'unsigned', verdict: 'There is no signature of it.', signatures: [] })).toBe('– /a\n  There is no signature of it.');
});
