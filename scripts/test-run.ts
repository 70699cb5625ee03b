import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { missingForPcscd } from '../e2e/devices/pcscd.ts';
import { findBrowser, findCommand, findElectron, hasDisplay } from './runtimes.ts';
import { ROOT } from './paths.ts';

interface Tally {
  passed: number;
  failed: number;
  /** Each skipped test with its reason. */
  skipped: string[];
  /** Tests that failed and passed when they were tried once more: only where CI tries again. Each is a defect, of the test or of what it tests. */
  second: string[];
}

const REPORTS = join(ROOT, '.cache', 'reports');

function run(title: string, args: readonly string[], environment: NodeJS.ProcessEnv): boolean {
  console.log(`\n━━ ${title}`);
  return spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', env: environment }).status === 0;
}

function one(passed: boolean): Tally {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: [], second: [] };
}

function readReport<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

interface UnitReport {
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[];
}

/** Unit tests. A file that does not even load counts as one failure. */
function unitTests(environment: NodeJS.ProcessEnv): Tally {
  const path = join(REPORTS, 'unit.json');
  const clean = run('unit tests', [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${path}`], environment);
  const report = readReport<UnitReport>(path);
  if (report === undefined) return one(false);
  const tally: Tally = { passed: 0, failed: 0, skipped: [], second: [] };
  for (const file of report.testResults) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') tally.passed += 1;
      else if (test.status === 'failed') tally.failed += 1;
      else tally.skipped.push(`${relative(ROOT, file.name)}: ${test.fullName}`);
      if (test.status === 'passed' && test.failureMessages.length > 0) tally.second.push(`${relative(ROOT, file.name)}: ${test.fullName}: ${test.failureMessages[0]?.split('\n')[0]}`);
    }
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) tally.failed += 1;
  }
  // An error outside of any test (an unhandled rejection) fails the run without failing a test.
  if (!clean && tally.failed === 0) tally.failed = 1;
  return tally;
}

interface JourneySuite {
  title: string;
  suites?: JourneySuite[];
  specs?: { title: string; tests: { projectName: string; status: string; annotations: { type: string; description?: string }[] }[] }[];
}

/** Journeys through the window, in the browser and in Electron, as far as they are here. */
function journeys(environment: NodeJS.ProcessEnv): Tally {
  const config = join(ROOT, 'e2e', 'playwright.config.ts');
  const path = join(REPORTS, 'journeys.json');
  const clean = run('journeys', [join(ROOT, 'node_modules/@playwright/test/cli.js'), 'test', '-c', config, '--reporter=list,json'], { ...environment, PLAYWRIGHT_JSON_OUTPUT_NAME: path });
  const report = readReport<{ suites: JourneySuite[] }>(path);
  if (report === undefined) return one(false);
  const tally: Tally = { passed: 0, failed: 0, skipped: [], second: [] };
  const walk = (suite: JourneySuite): void => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status === 'expected') tally.passed += 1;
        else if (test.status === 'flaky') {
          tally.passed += 1;
          tally.second.push(`${test.projectName}: ${spec.title}`);
        }
        else if (test.status === 'skipped') tally.skipped.push(`${test.projectName}: ${spec.title}: ${test.annotations.find(({ type }) => type === 'skip')?.description ?? 'not run'}`);
        else tally.failed += 1;
      }
    }
    suite.suites?.forEach(walk);
  };
  report.suites.forEach(walk);
  if (!clean && tally.failed === 0) tally.failed = 1;
  return tally;
}

/** Says at the start what this machine lacks, so that the list of skipped tests at the end surprises nobody. */
function sayWhatIsMissing(environment: NodeJS.ProcessEnv): void {
  const withoutDevices = missingForPcscd();
  const missing = [
    findBrowser(environment) === undefined && 'no Chromium-based browser: journeys in the browser are skipped',
    findElectron(environment) === undefined && 'no Electron runtime (ELECTRON_OVERRIDE_DIST_PATH, node_modules/electron/dist): journeys in Electron are skipped',
    !hasDisplay(environment) && findCommand('xvfb-run', environment) === undefined && 'no display and no xvfb-run: journeys in Electron are skipped',
    findCommand('openssl', environment) === undefined && 'no openssl: what it judges is skipped',
    withoutDevices !== undefined && `${withoutDevices}: tests on virtual devices are skipped`,
  ].filter((line) => line !== false);
  for (const line of missing) console.log(`· ${line}`);
}

/** @returns the exit code: 0 when nothing failed. The last line printed is `N passed, N failed` (and `, N skipped`). */
export async function runAllTests({ environment }: { environment: NodeJS.ProcessEnv }): Promise<number> {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  sayWhatIsMissing(environment);
  const script = (name: string) => join(ROOT, 'scripts', name);
  const tallies = [
    one(run('build', [script('build.ts'), '--if-stale'], environment)),
    one(run('types', [script('typecheck.ts')], environment)),
    one(run('lint', [script('lint.ts')], environment)),
    unitTests(environment),
    journeys(environment),
  ];
  const skipped = tallies.flatMap((tally) => tally.skipped);
  if (skipped.length > 0) console.log(`\nSkipped:\n${skipped.map((line) => `  ${line}`).join('\n')}`);
  const second = tallies.flatMap((tally) => tally.second);
  if (second.length > 0) console.log(`\nPassed at the second try only:\n${second.map((line) => `  ${line}`).join('\n')}`);
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  console.log(`\n${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
  return failed === 0 ? 0 : 1;
}
