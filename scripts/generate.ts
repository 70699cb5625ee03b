/**
 * node scripts/generate.ts [--check]
 *
 * Writes what is made from the contract: the OpenAPI document, pages of documentation, and the lists of operations that
 * the preloads and the window need. With `--check` nothing is written, and the exit code is 1 when something is stale.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openApiDocument } from '../app/agent/openapi.ts';
import { commandTable } from '../app/cli/describe.ts';
import { generate as windowModule } from '../renderer/bridge/generate.ts';
import { errorsPage, operationIds, operationsPage, preloadModule } from './descriptions.ts';
import { ROOT } from './paths.ts';

/** Each generated file with what makes its text. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  'resources/openapi.json': () => `${JSON.stringify(openApiDocument(), null, 2)}\n`,
  'resources/operation-ids.json': operationIds,
  'docs/operations.md': operationsPage,
  'docs/errors.md': errorsPage,
  'app/cli/commands.generated.json': commandTable,
  'preload/operations.generated.ts': preloadModule,
  'renderer/bridge/operations.generated.ts': windowModule,
};

/** @returns whether a file is not what the contract makes of it. */
export function isStale(file: string): boolean {
  try {
    return readFileSync(join(ROOT, file), 'utf8') !== GENERATED[file]?.();
  } catch {
    return true;
  }
}

if (import.meta.main) {
  const stale = Object.keys(GENERATED).filter(isStale);
  if (process.argv.includes('--check')) {
    for (const file of stale) console.error(`${file} is stale: run npm run generate`);
    process.exit(stale.length === 0 ? 0 : 1);
  }
  for (const file of stale) {
    mkdirSync(dirname(join(ROOT, file)), { recursive: true });
    writeFileSync(join(ROOT, file), GENERATED[file]?.() ?? '');
    console.log(file);
  }
}
