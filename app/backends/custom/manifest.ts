import { z } from 'zod';
import { CORE_CAPABILITIES, KEY_ALGORITHM_NAMES } from '../../contract/index.ts';
import type { BackendManifest } from '../../keystore/registry.ts';

const path = z.string().trim().min(1).max(4096);

const CustomSettings = z.strictObject({
  program: path.describe('Path of the program that speaks the worker protocol (docs/worker-protocol.md).'),
  sha256: z.string().trim().toLowerCase().regex(/^[0-9a-f]{64}$/, 'the SHA-256 of the program, 64 hexadecimal digits').describe('SHA-256 of that file. It is checked before each start; a file that has changed is not run.'),
  interpreter: path.optional().describe('Path of what runs the program, for a script: /usr/bin/python3.'),
  options: z.string().max(4096).optional().describe('What the program itself wants to know, name=value, several parted by “;”.'),
  deadlineSeconds: z.int().min(1).max(3600).default(60).describe('A call that takes longer is ended, with the program.'),
});
export type CustomSettings = z.output<typeof CustomSettings>;

export const customManifest: BackendManifest<typeof CustomSettings> = {
  type: 'custom',
  scheme: 'custom',
  title: 'Custom backend',
  summary: 'Keys that a program of your own holds: written in any language, run as a process of its own, pinned by its hash.',
  config: CustomSettings,
  capabilities: { algorithms: KEY_ALGORITHM_NAMES, capabilities: CORE_CAPABILITIES.filter((capability) => !['encapsulate', 'decapsulate', 'derive', 'rotate'].includes(capability)) },
  host: 'worker',
  async load() {
    const { openCustom } = await import('./index.ts');
    return { open: ({ name, config }, deps) => openCustom(name, config, deps) };
  },
  async probe({ name, config }) {
    const { probeCustom } = await import('./index.ts');
    await probeCustom(name, config);
  },
  async *diagnose(config) {
    const { diagnoseProgram } = await import('./program.ts');
    yield* diagnoseProgram(config);
  },
};
