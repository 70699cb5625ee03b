import { useLayoutEffect, useState, type RefObject } from 'react';

/** @param room  pixels. @returns whether the element has less than that, before it is drawn and whenever its width changes */
export function useNarrow(ref: RefObject<HTMLElement | null>, room: number): boolean {
  const [narrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    // One that is not shown has no width, and is not narrow for that.
    const measure = (): void => setNarrow(element.clientWidth > 0 && element.clientWidth < room);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref, room]);
  return narrow;
}
