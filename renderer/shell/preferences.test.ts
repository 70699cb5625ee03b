import { expect, test } from 'vitest';
import { fromConfig, readPreferences } from './preferences.tsx';

test('what is not understood is as if it were not there', () => {
  const usual = { theme: 'system', language: 'system', clipboardSeconds: 30, timestampAuthority: '', panes: {} };
  expect(readPreferences(null)).toEqual(usual);
  expect(readPreferences('not JSON')).toEqual(usual);
  expect(readPreferences('null')).toEqual(usual);
  expect(readPreferences('{"theme":"pink","language":"xx","clipboardSeconds":-1,"panes":{"a":"wide","b":300}}')).toEqual({ ...usual, panes: { b: 300 } });
});

test('the configuration says theme, language and clipboard timer, in its own words', () => {
  const entry = (key: string, value: string | number) => ({ key, value, origin: 'file' as const, source: null, summary: '', restart: false });
  expect(fromConfig([entry('window.theme', 'high-contrast'), entry('window.language', 'de'), entry('store.idleLockMinutes', 5)])).toEqual({ theme: 'contrast', language: 'de' });
});
