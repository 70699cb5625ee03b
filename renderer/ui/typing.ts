import { useEffect, useRef } from 'react';
import { soughtBy, typeAhead } from './selection.ts';

const PAUSE_MS = 700;

export interface Typing {
  /** A letter was typed in a list: goes to the row that it leads to. */
  on(letter: string, active: number, count: number, textAt: (index: number) => string | undefined): void;
  /** Whether a name is being typed: a space belongs to it then. */
  isUnderWay(): boolean;
  /** Something else was gone to: what is still asked for comes too late. */
  stop(): void;
}

/**
 * Typing in a list leads to the next row whose name begins so; what is not loaded is asked for. Who types on, goes elsewhere or has another list meanwhile
 * waits for no answer any more.
 * @param rows  where rows come from: with `seek` they may not all be there. @param goTo  as it stands when it is called
 */
export function useTyping(rows: { seek?(beginning: string, from: number, signal: AbortSignal): Promise<number | undefined> }, goTo: (index: number) => void): Typing {
  const typed = useRef({ text: '', at: 0 });
  const under = useRef<AbortController>(undefined);
  const stop = (): void => under.current?.abort();
  useEffect(() => stop, [rows]);
  const isUnderWay = (): boolean => typed.current.text !== '' && Date.now() - typed.current.at < PAUSE_MS;
  return {
    isUnderWay, stop,
    on(letter, active, count, textAt) {
      typed.current = { text: (isUnderWay() ? typed.current.text : '') + letter, at: Date.now() };
      stop();
      const found = typeAhead(typed.current.text, active, count, textAt);
      if (found !== 'unsure') {
        if (found !== undefined) goTo(found);
        return;
      }
      const controller = new AbortController();
      under.current = controller;
      const { beginning, from } = soughtBy(typed.current.text, active);
      rows.seek?.(beginning, from, controller.signal).then((position) => {
        if (position !== undefined && !controller.signal.aborted) goTo(position);
        // A core that does not answer is told by the list itself.
      }, () => undefined);
    },
  };
}
