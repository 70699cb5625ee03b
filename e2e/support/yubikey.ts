import { VirtualYubiKey } from '../devices/yubikey/card.ts';
import { testWithCards } from './card-service.ts';

export { expect } from './fixture.ts';

/** A virtual YubiKey, and the reader that a person puts it into. */
export interface YubiKeyInHand {
  readonly card: VirtualYubiKey;
  /** As Keywright calls it: "YubiKey 5C NFC 12345678". */
  readonly name: string;
  plugIn(): Promise<void>;
  pull(): Promise<void>;
}

/** A test with a smart-card service of its own, in which the program sees what is plugged in. Skipped where there is none. */
export const test = testWithCards().extend<{ yubikey: YubiKeyInHand }>({
  yubikey: async ({ pcscd }, use) => {
    const card = new VirtualYubiKey({ firmware: '5.7.1', serial: 12_345_678, formFactor: 'usb-c-keychain' });
    const reader = pcscd.reader('yubikey');
    await use({
      card,
      name: `YubiKey 5C NFC ${card.serial}`,
      plugIn: () => reader.insert(card),
      pull: async () => void (await reader.remove()),
    });
  },
});
