import { tally } from '../ui/index.ts';

/** Places of the view that say already that something is asked in the prompt surface: then the banner need not. */
const places = tally();

/** Says so for as long as the component is there. */
export function useSaysAsked(): void {
  places.useCounted(true);
}

export const useAskedInView = places.useIsAny;
