/** X.509: reading, making and judging. What others need of it; the rest of the folder is its own affair. */
export { type Content, type Prepared, prepareCertificate, type Sign, signCertificate, type Subject } from './making/certificate.ts';
export { signRequest } from './making/request.ts';
export { PROFILES } from './making/profiles.ts';
export { Certificate, MAX_CERTIFICATE, readCertificates } from './reading/certificate.ts';
export { buildName } from './reading/names.ts';
export { type CertificateRequest, isRequestSigned, parseRequest, readRequest } from './reading/request.ts';
export { inWords } from './words/certificate.ts';
export { type CertificateFacts, factsOf, type PurposeName, titleOf } from './words/facts.ts';
