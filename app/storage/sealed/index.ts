/** The encrypted store over any raw storage. The format is written down in `docs/store-format.md`. */
export type {
  CreateOptions, KdfParameters, NewSlot, Problem, SealedStorage, SlotDescription, SlotKind, Slots, StoreHeader, UnlockSecret, Watch,
} from './types.ts';
export { DerivedAhead } from './ahead.ts';
export { createSealed, openSealed, readHeader } from './open.ts';
export { RECORD_PREFIX } from './record.ts';
export { newRecoveryCode } from './recovery-code.ts';
export { readBackup, writeBackup } from './backup.ts';
export type { BackupSink, BackupSource, BackupSummary } from './backup.ts';
