import { describe } from 'vitest';
import { describeStorage } from '../conformance.ts';
import { sqliteKind } from './index.ts';

describeStorage(sqliteKind);

describe('in the thread of whoever opens it', () => {
  describeStorage({ kind: 'sqlite', open: (options) => sqliteKind.open({ ...options, brief: true }) });
});
