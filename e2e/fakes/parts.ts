/** What the stand-in takes from the product. */
import { LATER_BACKENDS } from '../../app/backends/index.ts';

export { KEY_ALGORITHM_NAMES, KEY_ALGORITHMS } from '../../app/contract/index.ts';
export const LATER = LATER_BACKENDS.map((type) => ({ ...type, available: false, settings: null }));
