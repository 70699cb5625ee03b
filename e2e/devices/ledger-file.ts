import { afterAll, expect } from 'vitest';
import { PinLedger } from './pin-ledger.ts';

/** In each test file of the product: what its cards saw is kept for the whole run. The cards' own tests send what they like. */
const path = expect.getState().testPath ?? '';
if (!path.includes('/e2e/devices/')) afterAll(() => PinLedger.report(path));
