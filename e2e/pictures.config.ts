import base from './playwright.config.ts';

/** Makes the pictures of the README: no test, only people look at them. */
export default { ...base, retries: 0, projects: [{ name: 'pictures', testMatch: 'pictures.ts', use: { kind: 'browser' as const } }] };
