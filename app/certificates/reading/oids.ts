/** Object identifiers of certificates and what they are called. */

export const EXTENSION = {
  subjectDirectoryAttributes: '2.5.29.9', subjectKeyIdentifier: '2.5.29.14', keyUsage: '2.5.29.15', privateKeyUsagePeriod: '2.5.29.16', subjectAltName: '2.5.29.17', issuerAltName: '2.5.29.18',
  basicConstraints: '2.5.29.19', crlNumber: '2.5.29.20', reasonCode: '2.5.29.21', invalidityDate: '2.5.29.24', deltaCrlIndicator: '2.5.29.27', issuingDistributionPoint: '2.5.29.28',
  certificateIssuer: '2.5.29.29', nameConstraints: '2.5.29.30', crlDistributionPoints: '2.5.29.31', certificatePolicies: '2.5.29.32', policyMappings: '2.5.29.33', authorityKeyIdentifier: '2.5.29.35',
  policyConstraints: '2.5.29.36', extendedKeyUsage: '2.5.29.37', freshestCrl: '2.5.29.46', inhibitAnyPolicy: '2.5.29.54',
  authorityInformationAccess: '1.3.6.1.5.5.7.1.1', qualifiedStatements: '1.3.6.1.5.5.7.1.3', subjectInformationAccess: '1.3.6.1.5.5.7.1.11', tlsFeature: '1.3.6.1.5.5.7.1.24',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2', ocspCrlReferences: '1.3.6.1.5.5.7.48.1.3', ocspResponseTypes: '1.3.6.1.5.5.7.48.1.4', ocspArchiveCutoff: '1.3.6.1.5.5.7.48.1.6', ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
  timestampList: '1.3.6.1.4.1.11129.2.4.2', timestampPoison: '1.3.6.1.4.1.11129.2.4.3',
  netscapeType: '2.16.840.1.113730.1.1', netscapeComment: '2.16.840.1.113730.1.13',
  microsoftCertificateType: '1.3.6.1.4.1.311.20.2', microsoftCaVersion: '1.3.6.1.4.1.311.21.1', microsoftPreviousCaHash: '1.3.6.1.4.1.311.21.2', microsoftTemplate: '1.3.6.1.4.1.311.21.7',
  microsoftApplicationPolicies: '1.3.6.1.4.1.311.21.10', microsoftSid: '1.3.6.1.4.1.311.25.2', microsoftSmimeCapabilities: '1.2.840.113549.1.9.15',
  yubicoFirmware: '1.3.6.1.4.1.41482.3.3', yubicoSerial: '1.3.6.1.4.1.41482.3.7', yubicoPolicy: '1.3.6.1.4.1.41482.3.8', yubicoForm: '1.3.6.1.4.1.41482.3.9', yubicoFips: '1.3.6.1.4.1.41482.3.10', yubicoCspn: '1.3.6.1.4.1.41482.3.11',
} as const;

export const EXTENSION_NAMES: Readonly<Record<string, string>> = {
  [EXTENSION.subjectDirectoryAttributes]: 'Subject directory attributes', [EXTENSION.subjectKeyIdentifier]: 'Subject key identifier', [EXTENSION.keyUsage]: 'Key usage',
  [EXTENSION.privateKeyUsagePeriod]: 'Private key usage period', [EXTENSION.subjectAltName]: 'Subject alternative names', [EXTENSION.issuerAltName]: 'Issuer alternative names',
  [EXTENSION.basicConstraints]: 'Basic constraints', [EXTENSION.crlNumber]: 'CRL number', [EXTENSION.reasonCode]: 'Reason', [EXTENSION.invalidityDate]: 'Invalidity date',
  [EXTENSION.deltaCrlIndicator]: 'Delta CRL indicator', [EXTENSION.issuingDistributionPoint]: 'Issuing distribution point', [EXTENSION.certificateIssuer]: 'Certificate issuer',
  [EXTENSION.nameConstraints]: 'Name constraints', [EXTENSION.crlDistributionPoints]: 'CRL distribution points', [EXTENSION.certificatePolicies]: 'Certificate policies',
  [EXTENSION.policyMappings]: 'Policy mappings', [EXTENSION.authorityKeyIdentifier]: 'Authority key identifier', [EXTENSION.policyConstraints]: 'Policy constraints',
  [EXTENSION.extendedKeyUsage]: 'Extended key usage', [EXTENSION.freshestCrl]: 'Freshest CRL', [EXTENSION.inhibitAnyPolicy]: 'Inhibit anyPolicy',
  [EXTENSION.authorityInformationAccess]: 'Authority information access', [EXTENSION.qualifiedStatements]: 'Qualified certificate statements', [EXTENSION.subjectInformationAccess]: 'Subject information access',
  [EXTENSION.tlsFeature]: 'TLS feature', [EXTENSION.ocspNonce]: 'OCSP nonce', [EXTENSION.ocspNoCheck]: 'OCSP no check', [EXTENSION.ocspCrlReferences]: 'CRL references', [EXTENSION.ocspResponseTypes]: 'Acceptable response types',
  [EXTENSION.ocspArchiveCutoff]: 'Archive cutoff', [EXTENSION.timestampList]: 'Signed certificate timestamps', [EXTENSION.timestampPoison]: 'Precertificate poison',
  [EXTENSION.netscapeType]: 'Netscape certificate type', [EXTENSION.netscapeComment]: 'Netscape comment',
  [EXTENSION.microsoftCertificateType]: 'Microsoft certificate template name', [EXTENSION.microsoftCaVersion]: 'Microsoft CA version', [EXTENSION.microsoftPreviousCaHash]: 'Microsoft previous CA certificate hash',
  [EXTENSION.microsoftTemplate]: 'Microsoft certificate template', [EXTENSION.microsoftApplicationPolicies]: 'Microsoft application policies', [EXTENSION.microsoftSid]: 'Microsoft security identifier',
  [EXTENSION.microsoftSmimeCapabilities]: 'S/MIME capabilities',
  [EXTENSION.yubicoFirmware]: 'Yubico firmware version', [EXTENSION.yubicoSerial]: 'Yubico serial number', [EXTENSION.yubicoPolicy]: 'Yubico PIN and touch policy', [EXTENSION.yubicoForm]: 'Yubico form factor',
  [EXTENSION.yubicoFips]: 'Yubico FIPS certified', [EXTENSION.yubicoCspn]: 'Yubico CSPN certified',
};

export const PURPOSE_OIDS = {
  'tls-server': '1.3.6.1.5.5.7.3.1', 'tls-client': '1.3.6.1.5.5.7.3.2', 'code-signing': '1.3.6.1.5.5.7.3.3', email: '1.3.6.1.5.5.7.3.4', timestamp: '1.3.6.1.5.5.7.3.8', ocsp: '1.3.6.1.5.5.7.3.9', any: '2.5.29.37.0',
} as const;

/** Purposes with which files are signed (RFC 5280 §4.2.1.12, RFC 9336, and those of Adobe and Microsoft). Without any purpose a certificate serves for all. */
export const FILE_PURPOSES: ReadonlySet<string> = new Set([PURPOSE_OIDS.email, PURPOSE_OIDS['code-signing'], PURPOSE_OIDS.any, '1.3.6.1.5.5.7.3.36', '1.2.840.113583.1.1.5', '1.3.6.1.4.1.311.10.3.12']);

export const PURPOSE_NAMES: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'TLS server', '1.3.6.1.5.5.7.3.2': 'TLS client', '1.3.6.1.5.5.7.3.3': 'code signing', '1.3.6.1.5.5.7.3.4': 'e-mail protection', '1.3.6.1.5.5.7.3.8': 'timestamping',
  '1.3.6.1.5.5.7.3.9': 'OCSP signing', '2.5.29.37.0': 'any purpose', '1.3.6.1.5.5.7.3.5': 'IPsec end system', '1.3.6.1.5.5.7.3.6': 'IPsec tunnel', '1.3.6.1.5.5.7.3.7': 'IPsec user', '1.3.6.1.5.5.7.3.17': 'IPsec IKE',
  '1.3.6.1.5.5.7.3.13': 'EAP over PPP', '1.3.6.1.5.5.7.3.14': 'EAP over LAN', '1.3.6.1.5.5.7.3.21': 'SSH client', '1.3.6.1.5.5.7.3.22': 'SSH server', '1.3.6.1.5.5.7.3.36': 'document signing', '1.3.6.1.5.5.7.3.31': 'brand indicators (BIMI)',
  '1.3.6.1.4.1.311.20.2.2': 'smart card logon (Microsoft)', '1.3.6.1.4.1.311.10.3.4': 'encrypting file system (Microsoft)', '1.3.6.1.4.1.311.10.3.12': 'document signing (Microsoft)', '1.3.6.1.4.1.311.10.3.3': 'server gated cryptography (Microsoft)',
  '1.3.6.1.4.1.311.10.3.1': 'trust list signing (Microsoft)', '1.3.6.1.4.1.311.2.1.21': 'individual code signing (Microsoft)', '1.3.6.1.4.1.311.2.1.22': 'commercial code signing (Microsoft)', '2.16.840.1.113730.4.1': 'server gated cryptography (Netscape)',
  '1.3.6.1.5.2.3.4': 'Kerberos client', '1.3.6.1.5.2.3.5': 'Kerberos key distribution centre', '2.16.840.1.101.3.6.8': 'PIV card authentication', '1.2.840.113583.1.1.5': 'authentic documents (Adobe)', '1.3.6.1.4.1.11129.2.4.4': 'certificate transparency',
};

/** RFC 5280 §4.2.1.3, by number of the bit. */
export const KEY_USAGES = ['digital-signature', 'non-repudiation', 'key-encipherment', 'data-encipherment', 'key-agreement', 'key-cert-sign', 'crl-sign', 'encipher-only', 'decipher-only'] as const;
export type KeyUsageName = (typeof KEY_USAGES)[number];

/** Attribute types of names: the short form of RFC 4514 §3 where it has one, else of X.520 as programs write it. */
export const ATTRIBUTES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN', '2.5.4.4': 'SN', '2.5.4.5': 'serialNumber', '2.5.4.6': 'C', '2.5.4.7': 'L', '2.5.4.8': 'ST', '2.5.4.9': 'STREET', '2.5.4.10': 'O', '2.5.4.11': 'OU', '2.5.4.12': 'title', '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory', '2.5.4.17': 'postalCode', '2.5.4.41': 'name', '2.5.4.42': 'GN', '2.5.4.43': 'initials', '2.5.4.44': 'generationQualifier', '2.5.4.45': 'x500UniqueIdentifier', '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym', '2.5.4.97': 'organizationIdentifier', '0.9.2342.19200300.100.1.1': 'UID', '0.9.2342.19200300.100.1.25': 'DC', '1.2.840.113549.1.9.1': 'emailAddress', '1.2.840.113549.1.9.2': 'unstructuredName', '1.2.840.113549.1.9.8': 'unstructuredAddress',
  '1.3.6.1.4.1.311.60.2.1.1': 'jurisdictionL', '1.3.6.1.4.1.311.60.2.1.2': 'jurisdictionST', '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC',
};

export const OTHER_NAMES: Readonly<Record<string, string>> = {
  '1.3.6.1.4.1.311.20.2.3': 'upn', '1.3.6.1.5.5.7.8.9': 'smtputf8', '1.3.6.1.5.5.7.8.7': 'srv', '1.3.6.1.5.5.7.8.5': 'xmpp', '1.3.6.1.5.2.2': 'krb5', '1.3.6.1.5.5.7.8.4': 'hardware-module', '1.3.6.1.5.5.7.8.3': 'permanent-id', '2.16.840.1.101.3.6.6': 'fasc-n',
};
export const UPN = '1.3.6.1.4.1.311.20.2.3';
export const SMTP_UTF8 = '1.3.6.1.5.5.7.8.9';

export const ACCESS_METHODS: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.48.1': 'OCSP', '1.3.6.1.5.5.7.48.2': 'issuer’s certificate', '1.3.6.1.5.5.7.48.3': 'timestamping', '1.3.6.1.5.5.7.48.5': 'repository',
};
export const OCSP_ACCESS = '1.3.6.1.5.5.7.48.1';
export const ISSUER_ACCESS = '1.3.6.1.5.5.7.48.2';

export const POLICY_NAMES: Readonly<Record<string, string>> = {
  '2.5.29.32.0': 'any policy', '2.23.140.1.1': 'extended validation (CA/Browser Forum)', '2.23.140.1.2.1': 'domain validated (CA/Browser Forum)', '2.23.140.1.2.2': 'organisation validated (CA/Browser Forum)',
  '2.23.140.1.2.3': 'individual validated (CA/Browser Forum)', '2.23.140.1.3': 'extended validation code signing (CA/Browser Forum)', '2.23.140.1.4.1': 'code signing (CA/Browser Forum)', '2.23.140.1.4.2': 'timestamping (CA/Browser Forum)',
};
export const ANY_POLICY = '2.5.29.32.0';
