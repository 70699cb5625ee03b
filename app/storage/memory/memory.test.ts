import { describeStorage } from '../conformance.ts';
import { memoryKind } from './index.ts';

describeStorage(memoryKind);
