/** The design system: components that know nothing of keys. */
export * from './Badge.tsx';
export * from './Button.tsx';
export * from './Copy.tsx';
export * from './cx.ts';
export * from './command.ts';
export * from './Dialog.tsx';
export * from './Empty.tsx';
export * from './Field.tsx';
export * from './Findings.tsx';
export * from './Menu.tsx';
export * from './Notice.tsx';
export * from './Select.tsx';
export * from './shortcut.ts';
export * from './Tabs.tsx';
export * from './Time.tsx';
export * from './Toast.tsx';
export * from './VirtualTable.tsx';
