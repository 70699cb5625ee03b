import { SMARTCARD_HSM_READER } from '../devices/pcscd.ts';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../devices/smartcardhsm/card.ts';
import { testWithCards } from './card-service.ts';

export { expect } from './fixture.ts';

/** A virtual SmartCard-HSM, and the slot that a person puts it into. */
interface HsmInHand {
  readonly card: VirtualSmartCardHsm;
  /** As Keywright calls it: "SmartCard-HSM XTHSM100001". */
  readonly name: string;
  plugIn(): Promise<void>;
  pull(): Promise<void>;
}

/** A test with a smart-card service of its own, into whose two slots cards are put. Skipped where there is none. */
export const test = testWithCards({ readers: [SMARTCARD_HSM_READER] }).extend<{ hsm: (options: SmartCardHsmOptions, slot: 0 | 1) => HsmInHand }>({
  hsm: async ({ pcscd }, use) => use((options, slot) => {
    const card = new VirtualSmartCardHsm(options);
    const reader = pcscd.reader('smartcardhsm', slot);
    return { card, name: `SmartCard-HSM ${card.serial}`, plugIn: () => reader.insert(card), pull: async () => void (await reader.remove()) };
  }),
});
