import { createContext, type ReactNode } from 'react';
import { tally } from './tally.ts';

const open = tally();

/** Whether something is being filled in or read in a dialog. */
export const isAnyDialogOpen = open.isAny;
export const useIsAnyDialogOpen = open.useIsAny;
/** Counts a dialog while it is open. */
export const useCountedDialog = open.useCounted;

/** What concerns the whole window, where a dialog lies over its banners. */
export const AboveDialogs = createContext<ReactNode>(null);
