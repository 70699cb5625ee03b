import { missingForPcscd, SMARTCARD_HSM_READER, startPcscd, type Pcscd } from '../devices/pcscd.ts';
import { PinLedger } from '../devices/pin-ledger.ts';
import { VirtualSmartCardHsm, type SmartCardHsmOptions } from '../devices/smartcardhsm/card.ts';
import { test as base } from './fixture.ts';

export { expect } from './fixture.ts';

/** A virtual SmartCard-HSM, and the slot that a person puts it into. */
export interface HsmInHand {
  readonly card: VirtualSmartCardHsm;
  /** As Keywright calls it: "SmartCard-HSM XTHSM100001". */
  readonly name: string;
  plugIn(): Promise<void>;
  pull(): Promise<void>;
}

/** A test with a smart-card service of its own, into whose two slots cards are put. Skipped where there is none. */
export const test = base.extend<{ pcscd: Pcscd; hsm: (options: SmartCardHsmOptions, slot: 0 | 1) => HsmInHand }>({
  pcscd: async ({ kind: _kind }, use, info) => {
    const missing = missingForPcscd();
    info.skip(missing !== undefined, missing ?? '');
    const pcscd = await startPcscd({ readers: [SMARTCARD_HSM_READER] });
    try {
      await use(pcscd);
    } finally {
      await pcscd.stop();
      PinLedger.report(info.titlePath.join(' › '));
    }
  },
  surroundings: async ({ pcscd }, use) => use(pcscd.environment),
  hsm: async ({ pcscd }, use) => use((options, slot) => {
    const card = new VirtualSmartCardHsm(options);
    const reader = pcscd.reader('smartcardhsm', slot);
    return { card, name: `SmartCard-HSM ${card.serial}`, plugIn: () => reader.insert(card), pull: async () => void (await reader.remove()) };
  }),
});
