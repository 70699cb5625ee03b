import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';

/** Makes what was created, renamed or removed in a folder durable: fsync of a file does not (fsync(2), notes). */
export function syncFolder(path: string): void {
  // Windows has no fsync of a folder: NTFS journals names by itself.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Writes all bytes at a position: write(2) may write fewer, most of all on a disk that is nearly full. */
export function writeFully(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    done += writeSync(file, bytes, done, bytes.byteLength - done, position + done);
  }
}

/** Writes a new file and makes it durable; its name is not, until its folder is synced. */
export function writeNewFile(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeFully(file, bytes, 0);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
