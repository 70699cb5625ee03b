import { describeWycheproof } from './testing/wycheproof/describe.ts';

describeWycheproof('signatures');
