import { useRouterState } from '@tanstack/react-router';
import { useEffect } from 'react';
import { returnFocusToView } from '../ui/index.ts';

/** Who comes to a view without the mouse can go on with the keyboard: its list has the focus, or else the view. */
export function useViewFocus(): void {
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => returnFocusToView(), [path]);
}
