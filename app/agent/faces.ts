import { OPERATIONS, type Face, type Operation } from '../contract/index.ts';

/** The operations of a face: what no record keeps from it. The prompt surface has those that are its own alone. */
export function operationsOn(face: Face): readonly Operation[] {
  return OPERATIONS.filter(({ notOn, permission }) => notOn?.[face] === undefined && (face !== 'prompt' || permission === 'prompts:admin'));
}
