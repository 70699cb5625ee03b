/** `npm test`: everything that can be tried on this machine as it is. What cannot is listed with its reason. */
import { runAllTests } from './test-run.ts';

process.exit(await runAllTests({ environment: process.env }));
