/** node scripts/lint.ts: oxlint, the import rules with their canary, and files that nothing leads to. Exit code 1 when one of them finds something. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import type { IModule } from 'dependency-cruiser';
import { CANARY, CANARY_BREAKS, ENTRIES, FORBIDDEN } from './import-rules.ts';
import { ROOT } from './paths.ts';

const FOLDERS = ['app', 'bench', 'main', 'preload', 'renderer', 'e2e', 'scripts'].filter((folder) => existsSync(join(ROOT, folder)));

function tool(name: string, args: readonly string[]): boolean {
  console.log(`— ${name}`);
  const { status } = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  return status === 0;
}

/**
 * TypeScript 7 has no JavaScript API, and without one dependency-cruiser sees no import and is content. So it is given
 * TypeScript 6 by the name that it asks for, in this process alone.
 */
function offerTypeScript6(): void {
  registerHooks({
    resolve(specifier, context, next) {
      const asked = /^typescript($|\/)/.exec(specifier) !== null && context.parentURL?.includes('/dependency-cruiser/') === true;
      return next(asked ? specifier.replace('typescript', 'typescript-tools') : specifier, context);
    },
  });
}

/** @returns the files of ours that no program, test or tool leads to. */
function unreached(modules: readonly IModule[]): string[] {
  const ours = new Map(modules.filter(({ source }) => FOLDERS.some((folder) => source.startsWith(`${folder}/`))).map((module) => [module.source, module]));
  const reached = new Set([...ours.keys()].filter((source) => ENTRIES.test(source)));
  // A set that grows while it is walked is walked to its end.
  for (const source of reached) for (const { resolved } of ours.get(source)?.dependencies ?? []) if (ours.has(resolved)) reached.add(resolved);
  return [...ours.keys()].filter((source) => !reached.has(source) && source !== CANARY);
}

/** @returns whether the import rules hold, and the canary breaks those that it must. */
async function importRules(): Promise<boolean> {
  console.log('— import rules');
  offerTypeScript6();
  const { cruise } = await import('dependency-cruiser');
  const { output } = await cruise(FOLDERS, {
    baseDir: ROOT,
    validate: true,
    ruleSet: { forbidden: FORBIDDEN },
    tsPreCompilationDeps: 'specify' as unknown as boolean,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|\\.cache)/' },
  }, { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default', 'types'], mainFields: ['module', 'main', 'types'] });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text.');

  const found = output.summary.violations;
  const canary = found.filter((violation) => violation.from === CANARY).map((violation) => violation.rule.name);
  const missed = CANARY_BREAKS.filter((rule) => !canary.includes(rule));
  for (const rule of missed) console.log(`  The canary ${CANARY} breaks "${rule}", and that was not noticed: the run is blind.`);

  const others = found.filter((violation) => violation.from !== CANARY);
  for (const { from, to, rule, cycle } of others) console.log(`  ${from} → ${cycle === undefined ? to : cycle.map((step) => step.name).join(' → ')}   (${rule.name})`);
  const dead = unreached(output.modules);
  for (const source of dead) console.log(`  ${source} is reached by no program, test or tool`);
  console.log(`  ${output.summary.totalCruised} modules, ${output.summary.totalDependenciesCruised} imports, ${others.length} against the rules`);
  return missed.length === 0 && others.length === 0 && dead.length === 0;
}

const results = [
  tool('oxlint', [join(ROOT, 'node_modules', 'oxlint', 'bin', 'oxlint'), '--quiet', ...FOLDERS]),
  await importRules(),
];
process.exit(results.every(Boolean) ? 0 : 1);
