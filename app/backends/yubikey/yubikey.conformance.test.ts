import { describeKeyStore } from '../../keystore/conformance.ts';
import { YUBIKEY_CAPABILITIES } from './capabilities.ts';
import { gatesOf } from './firmware.ts';
import { plug } from './testing/plug.ts';

const PIN = '123456';

for (const firmware of ['5.7.1', '5.4.3'] as const) {
  const version = firmware.split('.').map(Number) as unknown as readonly [number, number, number];
  describeKeyStore(`YubiKey with firmware ${firmware}`, {
    claims: { ...YUBIKEY_CAPABILITIES, algorithms: gatesOf(version, version, false).algorithms },
    usagesAreFixed: true,
    slow: ['rsa-4096'],
    async open() {
      const { virtual, token, storage } = await plug({ firmware, pin: PIN });
      return { store: token.store, storage, reopen: async () => (await plug({ card: virtual, storage, pin: PIN })).token.store };
    },
  });
}
