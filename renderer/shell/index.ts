/** What views use of the shell. */
export * from './commands.tsx';
export { useDropTarget, type DropTarget } from './FileDrop.tsx';
export { jobTitle } from './JobTray.tsx';
export * from './Panes.tsx';
export * from './preferences.tsx';
export { useWindowWidth } from './window-width.ts';
