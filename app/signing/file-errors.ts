import { basename } from 'node:path';
import { KeywrightError } from '../contract/index.ts';

type Act = 'read' | 'write';

/** @returns the error of the contract that a fault of the file system stands for; what is not one, as it is. */
export function fileError(thrown: unknown, path: string, act: Act): unknown {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  const name = basename(path);
  const facts = (detail: string, remedy: string): { detail: string; remedy: string; cause: unknown } => ({ detail, remedy, cause: thrown });
  switch (code) {
    case 'ENOENT':
      return act === 'read' ? new KeywrightError('NOT_FOUND', facts(`There is no file ${path}.`, 'Check the path.'))
        : new KeywrightError('NOT_FOUND', facts(`There is no folder for ${path}.`, 'Make the folder first, or choose another place.'));
    case 'EACCES': case 'EPERM':
      return new KeywrightError('PERMISSION_DENIED', facts(`You may not ${act} ${path}.`, act === 'read' ? 'Ask its owner, or copy it to a place of yours.' : 'Choose a folder in which you may write.'));
    case 'ENOSPC': case 'EDQUOT': case 'EFBIG':
      return new KeywrightError('STORAGE_FULL', facts(`There is no space left to write ${name}. Nothing was written.`, 'Free some space, or choose another place.'));
    case 'EROFS':
      return new KeywrightError('STORAGE_READ_ONLY', facts(`${path} is on a file system that cannot be written.`, 'Choose another place.'));
    case 'EISDIR': case 'ENOTDIR': case 'ENAMETOOLONG': case 'ELOOP': case 'EINVAL':
      return new KeywrightError('INVALID_INPUT', facts(`${path} is not the path of a file.`, 'Check the path.'));
    case 'EEXIST':
      return alreadyExists(path, thrown);
    default:
      return thrown;
  }
}

export function alreadyExists(path: string, cause?: unknown): KeywrightError {
  return new KeywrightError('ALREADY_EXISTS', { detail: `${path} exists already, and was left as it is.`, remedy: 'Choose another name, or say that it shall be replaced.', ...(cause === undefined ? {} : { cause }) });
}
