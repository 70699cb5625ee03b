import { describeKeyStore } from '../../keystore/conformance.ts';
import { openInMemory } from '../software/testing/open.ts';
import { openAes } from './index.ts';
import { AES_CAPABILITIES } from './capabilities.ts';

describeKeyStore('software symmetric keys', { open: () => openInMemory(openAes), claims: AES_CAPABILITIES });
