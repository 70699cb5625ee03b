import { expect, test } from 'vitest';
import { takeBuiltins } from './bundles.ts';

test('Node’s own modules are taken by name, and all else of a module stays', () => {
  const code = 'import"./runtime.js";import{a as b,c}from"./chunk.js";import{createHmac,hash as hash$1}from"node:crypto";import*as fs from"node:fs";import path,{join}from"node:path";import process from"node:process";import"node:module";import{default as os}from"node:os";var x=`import{y}from"node:z";`;export{x};';
  expect(takeBuiltins(code)).toBe(
    'import"./runtime.js";import{a as b,c}from"./chunk.js";import"node:module";import{default as os}from"node:os";const {createHmac,hash:hash$1}=globalThis.process.getBuiltinModule("node:crypto"),fs=globalThis.process.getBuiltinModule("node:fs"),path=globalThis.process.getBuiltinModule("node:path"),{join}=globalThis.process.getBuiltinModule("node:path"),process=globalThis.process.getBuiltinModule("node:process");var x=`import{y}from"node:z";`;export{x};',
  );
  expect(takeBuiltins('import{a}from"./a.js";a();')).toBe('import{a}from"./a.js";a();');
});
