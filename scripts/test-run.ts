import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { missingForPcscd } from '../e2e/devices/pcscd.ts';
import { findBrowser, findCommand, findElectron, hasDisplay } from './runtimes.ts';
import { ROOT } from './paths.ts';

interface Tally {
  passed: number;
  failed: number;
  /** Each failure with the first line of its reason. */
  failures: string[];
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

function one(title: string, passed: boolean): Tally {
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, failures: passed ? [] : [title], skipped: [], second: [] };
}

const firstLine = (text: string | undefined): string => text?.trim().split('\n')[0] ?? '';

/** Adds a failure that belongs to no test. */
function fail(tally: Tally, title: string): void {
  tally.failed += 1;
  tally.failures.push(title);
}

function readReport<T>(path: string): T | undefined {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

interface UnitReport {
  testResults: { name: string; status: string; message?: string; assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[];
}

/** Unit tests. A file that does not even load, or whose process dies, counts as one failure; where CI tries again, it is run once more by itself. */
function unitTests(environment: NodeJS.ProcessEnv, only: readonly string[] = []): Tally {
  const path = join(REPORTS, 'unit.json');
  rmSync(path, { force: true });
  const clean = run(['unit tests', ...only].join(' '), [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${path}`, ...only], environment);
  const report = readReport<UnitReport>(path);
  if (report === undefined) return one('unit tests', false);
  const tally: Tally = { passed: 0, failed: 0, failures: [], skipped: [], second: [] };
  const died: { file: string; reason: string }[] = [];
  for (const file of report.testResults) {
    const name = relative(ROOT, file.name);
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      died.push({ file: name, reason: firstLine(file.message) || 'its process ended' });
      if (only.length === 0 && environment['CI'] !== undefined) continue;
    }
    for (const test of file.assertionResults) {
      const title = `${name}: ${test.fullName}`;
      const reason = firstLine(test.failureMessages[0]);
      if (test.status === 'passed') tally.passed += 1;
      else if (test.status === 'failed') fail(tally, `${title}: ${reason}`);
      else tally.skipped.push(title);
      if (test.status === 'passed' && test.failureMessages.length > 0) tally.second.push(`${title}: ${reason}`);
    }
  }
  if (died.length > 0 && only.length === 0 && environment['CI'] !== undefined) {
    tally.second.push(...died.map(({ file, reason }) => `${file}: ${reason}`));
    return added(tally, unitTests(environment, died.map(({ file }) => file)));
  }
  for (const { file, reason } of died) fail(tally, `${file}: ${reason}`);
  // An error outside of any test (an unhandled rejection) fails the run without failing a test.
  if (!clean && tally.failed === 0) fail(tally, 'unit tests: an error outside of any test');
  return tally;
}

const added = (a: Tally, b: Tally): Tally => ({
  passed: a.passed + b.passed, failed: a.failed + b.failed,
  failures: [...a.failures, ...b.failures], skipped: [...a.skipped, ...b.skipped], second: [...a.second, ...b.second],
});

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
  if (report === undefined) return one('journeys', false);
  const tally: Tally = { passed: 0, failed: 0, failures: [], skipped: [], second: [] };
  const walk = (suite: JourneySuite): void => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status === 'expected') tally.passed += 1;
        else if (test.status === 'flaky') {
          tally.passed += 1;
          tally.second.push(`${test.projectName}: ${spec.title}`);
        }
        else if (test.status === 'skipped') tally.skipped.push(`${test.projectName}: ${spec.title}: ${test.annotations.find(({ type }) => type === 'skip')?.description ?? 'not run'}`);
        else fail(tally, `${test.projectName}: ${spec.title}`);
      }
    }
    suite.suites?.forEach(walk);
  };
  report.suites.forEach(walk);
  if (!clean && tally.failed === 0) fail(tally, 'journeys: an error outside of any journey');
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
    one('build', run('build', [script('build.ts'), '--if-stale'], environment)),
    one('types', run('types', [script('typecheck.ts')], environment)),
    one('lint', run('lint', [script('lint.ts')], environment)),
    unitTests(environment),
    journeys(environment),
  ];
  const { passed, failed, failures, skipped, second } = tallies.reduce(added);
  const say = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) console.log(`\n${title}:\n${lines.map((line) => `  ${line}`).join('\n')}`);
  };
  say('Skipped', skipped);
  say('Passed at the second try only', second);
  say('Failed', failures);
  console.log(`\n${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
  return failed === 0 ? 0 : 1;
}
