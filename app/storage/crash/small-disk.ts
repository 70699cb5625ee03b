import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why no file system can be mounted here; undefined if one can. */
export const noMounting: string | undefined = (() => {
  if (process.platform !== 'linux') return 'it takes a tmpfs';
  if (process.getuid?.() !== 0) return 'mounting takes root';
  const folder = mkdtempSync(join(tmpdir(), 'keywright-mount-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
  return mounted ? undefined : 'mounting is not permitted';
})();

/** A file system of so many KiB in memory, gone when it is disposed. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'keywright-disk-'));

  constructor(kibibytes: number) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k,mode=0700`, 'tmpfs', this.path]);
  }

  remount(mode: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${mode}`, this.path]);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}
