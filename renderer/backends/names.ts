import type { BackendInstance, BackendType } from '../../app/contract/index.ts';
import type { Text } from '../i18n/index.ts';

/** @returns what a type is called in the window's language; one that the window does not know says it itself. */
export function typeTitle(type: Pick<BackendType, 'type' | 'title'>, t: Text): string {
  const key = `backendType.${type.type}`;
  return t.has(key) ? t(key) : type.title;
}

export function typeSummary(type: Pick<BackendType, 'type' | 'summary'>, t: Text): string {
  const key = `backendType.${type.type}.summary`;
  return t.has(key) ? t(key) : type.summary;
}

/** @returns the built-in instance's name in the window's language, which for those that reach devices is their kind's; others have the name that a person gave them. */
export function instanceTitle(backend: Pick<BackendInstance, 'name' | 'builtIn' | 'title' | 'types'>, t: Text): string {
  if (!backend.builtIn) return backend.name;
  return backend.name === 'software' ? t('backends.software') : typeNames(backend.types, t);
}

export function typeNames(types: readonly string[], t: Text): string {
  return types.map((type) => typeTitle({ type, title: type }, t)).join(', ');
}
