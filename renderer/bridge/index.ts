export * from './bridge.ts';
export * from './base64url.ts';
export * from './hooks.tsx';
export * from './operations.generated.ts';
export type { PageLoader } from './page-loader.ts';
export { usePages, type Pages } from './pages.ts';
export * from './problem.ts';
export { desktopBridge } from './desktop.ts';
export { httpBridge } from './http.ts';
