import { readFileSync } from 'node:fs';

/** The version in package.json: beside the sources, or beside the bundle's folder. */
export const version: string = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
