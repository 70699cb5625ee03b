import { PERMISSIONS } from '../app/contract/operation.ts';
import type { Principal } from '../app/contract/index.ts';

/** The main window may do everything but see or answer prompts. */
export const WINDOW_PRINCIPAL: Principal = {
  id: 'desktop',
  name: 'this window',
  face: 'ipc',
  permissions: new Set(PERMISSIONS.filter((permission) => permission !== 'prompts:admin')),
};

/** The prompt window may do that alone. */
export const PROMPT_PRINCIPAL: Principal = {
  id: 'prompt-surface',
  name: 'prompt window',
  face: 'prompt',
  permissions: new Set(['prompts:admin']),
};
