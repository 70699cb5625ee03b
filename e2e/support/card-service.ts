import { missingForPcscd, startPcscd, type Pcscd } from '../devices/pcscd.ts';
import { PinLedger } from '../devices/pin-ledger.ts';
import { test as base } from './fixture.ts';

/**
 * A test with a smart-card service of its own, in which the program sees what is plugged in. Skipped where there is none.
 * @param options which readers the service has.
 */
export const testWithCards = (options: Parameters<typeof startPcscd>[0] = {}) => base.extend<{ pcscd: Pcscd }>({
  pcscd: async ({ kind: _kind }, use, info) => {
    const missing = missingForPcscd();
    info.skip(missing !== undefined, missing ?? '');
    const pcscd = await startPcscd(options);
    try {
      await use(pcscd);
    } finally {
      await pcscd.stop();
      PinLedger.report(info.titlePath.join(' › '));
    }
  },
  surroundings: async ({ pcscd }, use) => use(pcscd.environment),
});
