import { expect, test } from 'vitest';
import { capabilitiesIn } from './historical.ts';

test.each<[string, string, ReturnType<typeof capabilitiesIn>]>([
  ['a YubiKey 5: both', '3bfd1300008131fe158073c021c057597562694b657940', { chaining: true, extended: true }],
  ['a SmartCard-HSM: extended lengths alone', '3bfe1800008131fe458031815448534d31738021408107fa', { chaining: false, extended: true }],
  ['the same without contacts', '3b8e80018031815448534d3173802140810718', { chaining: false, extended: true }],
  ['one with a status behind', '3b08007300008000009000', { chaining: true, extended: false }],
  ['a YubiKey NEO, whose historical bytes are text', '3bfc1300008131fe15597562696b65794e454f7233e1', undefined],
  ['one without any', '3b00', undefined],
  ['one that was cut off', '3bfd13', undefined],
  ['none', '', undefined],
])('%s', (_name, atr, expected) => {
  expect(capabilitiesIn(Buffer.from(atr, 'hex'))).toEqual(expected);
});
