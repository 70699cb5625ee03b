import { USAGES } from './algorithms.ts';
import type { Capability } from './operation.ts';

/** Everything that a key or its backend may be asked to do, in the order in which it is shown. */
export const CORE_CAPABILITIES = [...USAGES, 'generate', 'import', 'export', 'rotate', 'copy', 'random'] as const satisfies readonly Capability[];
