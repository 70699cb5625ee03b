import { basename } from 'node:path';
import { because, type ErrorFacts, KeywrightError, type Told } from '../contract/index.ts';

type Act = 'read' | 'write';

/** @returns the error of the contract that a fault of the file system stands for; what is not one, as it is. */
export function fileError(thrown: unknown, path: string, act: Act): unknown {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  const name = basename(path);
  const facts = (told: Told): ErrorFacts => ({ ...told, cause: thrown });
  switch (code) {
    case 'ENOENT':
      // What a name holds that is not UTF-8 was replaced on its way here, and leads nowhere.
      return act === 'read' ? new KeywrightError('NOT_FOUND', facts(because(path.includes('\ufffd') ? 'file.no-utf8' : 'file.unknown', { path })))
        : new KeywrightError('NOT_FOUND', facts(because('file.no-folder', { path })));
    case 'EACCES': case 'EPERM':
      return new KeywrightError('PERMISSION_DENIED', facts(because(act === 'read' ? 'file.not-readable' : 'file.not-writable', { path })));
    case 'ENOSPC': case 'EDQUOT': case 'EFBIG':
      return new KeywrightError('STORAGE_FULL', facts(because('file.no-space', { name })));
    case 'EROFS':
      return new KeywrightError('STORAGE_READ_ONLY', facts(because('file.read-only', { path })));
    case 'EISDIR': case 'ENOTDIR': case 'ELOOP': case 'EINVAL':
      return new KeywrightError('INVALID_INPUT', facts(because('file.no-path', { path })));
    case 'ENAMETOOLONG':
      return new KeywrightError('INVALID_INPUT', facts(because('file.name-too-long', { path })));
    case 'EEXIST':
      return alreadyExists(path, thrown);
    default:
      return thrown;
  }
}

export function alreadyExists(path: string, cause?: unknown): KeywrightError {
  return new KeywrightError('ALREADY_EXISTS', { ...because('file.exists', { path }), ...(cause === undefined ? {} : { cause }) });
}
