import { KeywrightError } from '../../contract/index.ts';
import { readCertificates } from '../../certificates/index.ts';
import { examineHandler } from './certificate-examine.ts';
import { expiringHandler } from './certificate-expiring.ts';
import { filesOf, judged } from './certificate-judging.ts';
import { found } from './certificate-reference.ts';
import type { HandlersOf } from './handlers.ts';

export const certificateCheckHandlers: Pick<HandlersOf<'certificates'>, 'certificates.verify' | 'certificates.examine' | 'certificates.expiring'> = {
  ...examineHandler,
  ...expiringHandler,

  async 'certificates.verify'(input, context) {
    if ((input.certificate === undefined) === (input.content === undefined)) throw new KeywrightError('INVALID_INPUT', { detail: 'Name a certificate that is held here, or give a file: one of the two.', where: '/certificate' });
    const given = input.content === undefined ? [await context.session.certificates.read((await found(input.certificate!, context)).id)] : filesOf([input.content], '/content', readCertificates);
    const [certificate, ...beside] = given;
    return judged(certificate!, beside, input, context);
  },
};
