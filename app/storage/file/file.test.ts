import { describeStorage } from '../conformance.ts';
import { fileKind } from './index.ts';

describeStorage(fileKind);
