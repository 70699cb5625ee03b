import { describeCompleteness } from './testing/wycheproof/describe.ts';

describeCompleteness();
