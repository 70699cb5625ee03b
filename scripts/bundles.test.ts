import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CORE, takeBuiltins, togetherIn } from './bundles.ts';
import { ROOT } from './paths.ts';

test('Node’s own modules are taken by name, and all else of a module stays', () => {
  const code = 'import"./runtime.js";import{a as b,c}from"./chunk.js";import{createHmac,hash as hash$1}from"node:crypto";import*as fs from"node:fs";import path,{join}from"node:path";import process from"node:process";import"node:module";import{default as os}from"node:os";var x=`import{y}from"node:z";`;export{x};';
  expect(takeBuiltins(code)).toBe(
    'import"./runtime.js";import{a as b,c}from"./chunk.js";import"node:module";import{default as os}from"node:os";const {createHmac,hash:hash$1}=globalThis.process.getBuiltinModule("node:crypto"),fs=globalThis.process.getBuiltinModule("node:fs"),path=globalThis.process.getBuiltinModule("node:path"),{join}=globalThis.process.getBuiltinModule("node:path"),process=globalThis.process.getBuiltinModule("node:process");var x=`import{y}from"node:z";`;export{x};',
  );
  expect(takeBuiltins('import{a}from"./a.js";a();')).toBe('import{a}from"./a.js";a();');
});

test('what is loaded together goes into one file, but for what a thread shares with it', () => {
  const at = (name: string): string => join(ROOT, name);
  const bundle = { ...CORE, together: { first: ['a.ts'], second: ['b.ts'] }, alone: ['worker.ts'] };
  const made = [
    { type: 'chunk', fileName: 'a.js', facadeModuleId: at('a.ts'), moduleIds: [at('a.ts')], imports: ['common.js', 'shared.js'] },
    { type: 'chunk', fileName: 'b.js', facadeModuleId: at('b.ts'), moduleIds: [at('b.ts')], imports: ['common.js'] },
    { type: 'chunk', fileName: 'common.js', facadeModuleId: null, moduleIds: [at('c.ts'), at('d.ts')], imports: [] },
    { type: 'chunk', fileName: 'shared.js', facadeModuleId: null, moduleIds: [at('e.ts')], imports: [] },
    { type: 'chunk', fileName: 'worker.js', facadeModuleId: at('worker.ts'), moduleIds: [at('worker.ts')], imports: ['shared.js'] },
    { type: 'chunk', fileName: 'other.js', facadeModuleId: at('f.ts'), moduleIds: [at('f.ts')], imports: ['common.js'] },
  ];
  expect(Object.fromEntries(togetherIn(bundle, made))).toEqual({ [at('a.ts')]: 'first', [at('c.ts')]: 'first', [at('d.ts')]: 'first', [at('e.ts')]: 'first-1', [at('b.ts')]: 'second' });
});
