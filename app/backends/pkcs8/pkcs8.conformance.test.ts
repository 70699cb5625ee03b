import { describeKeyStore } from '../../keystore/conformance.ts';
import { openInMemory } from '../software/testing/open.ts';
import { openPkcs8 } from './index.ts';
import { PKCS8_CAPABILITIES } from './capabilities.ts';

describeKeyStore('software key pairs', { open: () => openInMemory(openPkcs8), claims: PKCS8_CAPABILITIES, slow: ['rsa-8192'] });
