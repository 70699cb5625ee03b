import { expect, test } from 'vitest';
import { commonNameIn } from './common-name.ts';

test.each([
  ['CN=Example Root CA, O=Example, C=DE', 'Example Root CA'],
  ['C=DE,O=Example,CN=Ada', 'Ada'],
  ['CN=Example\\, Inc.,O=Example', 'Example, Inc.'],
  ['CN=\\C3\\84rger\\+Co,O=X', 'Ärger+Co'],
  ['OU=CN is not here,O=Example', 'OU=CN is not here,O=Example'],
  ['OU=a\\,CN=b,O=Example', 'OU=a\\,CN=b,O=Example'],
  ['OU=ends with \\\\,CN=b', 'b'],
  ['', ''],
])('of %j a list shows %j', (name, shown) => {
  expect(commonNameIn(name)).toBe(shown);
});
