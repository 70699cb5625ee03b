import { describeStorage } from '../conformance.ts';
import { sqliteKind } from './index.ts';

describeStorage(sqliteKind);
