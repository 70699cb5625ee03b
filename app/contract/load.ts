import { isOperation, nounOf, type Noun, type Operation } from './operation.ts';

type Module = Readonly<Record<string, unknown>>;

const service = async (): Promise<Module[]> => [await import('./service.ts')];

/** Making all schemas takes longer than most commands: who needs the operations of a noun or two loads those alone. */
const MODULES: Readonly<Record<Noun, () => Promise<Module[]>>> = {
  store: async () => [await import('./store.ts')],
  backends: async () => [await import('./backends.ts')],
  keys: () => Promise.all([import('./keys.ts'), import('./key-use.ts')]),
  certificates: () => Promise.all([import('./certificates.ts'), import('./certificate-making.ts'), import('./certificate-checks.ts'), import('./certificate-revocation.ts')]),
  files: () => Promise.all([import('./files.ts'), import('./encryption.ts')]),
  tokens: async () => [await import('./tokens.ts')],
  jobs: service,
  audit: service,
  access: service,
  config: service,
  agent: service,
  doctor: service,
  health: async () => [await import('./health.ts')],
  prompts: service,
};

/** @returns the operations of a noun, in no order; none for a word that is no noun. */
export async function operationsOf(noun: string): Promise<readonly Operation[]> {
  if (!Object.hasOwn(MODULES, noun)) return [];
  const modules = await MODULES[noun as Noun]();
  return modules.flatMap((module) => Object.values(module).filter(isOperation)).filter((operation) => nounOf(operation) === noun);
}
