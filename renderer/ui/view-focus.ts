/** @returns whether what had the focus has gone with it. */
const isLost = (): boolean => document.activeElement === null || document.activeElement === document.body;

/**
 * Gives the focus to the view when what had it is no longer there: to its list, else to all of it, whose list takes it on as it comes.
 * Once what happens now is drawn; nothing where something has the focus, or a dialog is open.
 */
export function returnFocusToView(): void {
  requestAnimationFrame(() => {
    if (!isLost() || document.querySelector('[role="dialog"], [role="alertdialog"]') !== null) return;
    const view = document.querySelector('main');
    const target = [...(view?.querySelectorAll<HTMLElement>('[role="grid"]') ?? [])].find((grid) => grid.checkVisibility()) ?? view;
    target?.focus({ preventScroll: true });
  });
}

/** @returns whether the view itself has the focus, for want of anything in it. */
export const viewHasFocus = (): boolean => document.activeElement?.tagName === 'MAIN';
