// Made from the contract by `node renderer/bridge/generate.ts`. Not to be edited.
import type { backendOperations, certificateCheckOperations, certificateMakingOperations, certificateOperations, certificateRevocationOperations, encryptionOperations, fileOperations, healthOperations, keyOperations, keyUseOperations, serviceOperations, storeOperations, tokenOperations } from '../../app/contract/index.ts';

export interface Operations {
  'access.grant': typeof serviceOperations.accessGrant;
  'access.list': typeof serviceOperations.accessList;
  'access.revoke': typeof serviceOperations.accessRevoke;
  'access.whoami': typeof serviceOperations.accessWhoami;
  'agent.health': typeof serviceOperations.agentHealth;
  'agent.metrics': typeof serviceOperations.agentMetrics;
  'agent.openapi': typeof serviceOperations.agentOpenapi;
  'agent.status': typeof serviceOperations.agentStatus;
  'audit.export': typeof serviceOperations.auditExport;
  'audit.list': typeof serviceOperations.auditList;
  'audit.verify': typeof serviceOperations.auditVerify;
  'backends.add': typeof backendOperations.add;
  'backends.configure': typeof backendOperations.configure;
  'backends.diagnose': typeof backendOperations.diagnose;
  'backends.disable': typeof backendOperations.disable;
  'backends.enable': typeof backendOperations.enable;
  'backends.list': typeof backendOperations.list;
  'backends.remove': typeof backendOperations.remove;
  'backends.show': typeof backendOperations.show;
  'backends.test': typeof backendOperations.test;
  'certificates.chain': typeof certificateOperations.chain;
  'certificates.compare': typeof certificateOperations.compare;
  'certificates.crl.create': typeof certificateRevocationOperations.createCrl;
  'certificates.crl.import': typeof certificateRevocationOperations.importCrl;
  'certificates.crl.show': typeof certificateRevocationOperations.showCrl;
  'certificates.delete': typeof certificateOperations.remove;
  'certificates.examine': typeof certificateCheckOperations.examine;
  'certificates.expiring': typeof certificateCheckOperations.expiring;
  'certificates.export': typeof certificateOperations.exportCertificate;
  'certificates.import': typeof certificateOperations.importCertificates;
  'certificates.issue': typeof certificateMakingOperations.issue;
  'certificates.list': typeof certificateOperations.list;
  'certificates.ocsp.answer': typeof certificateRevocationOperations.answerOcsp;
  'certificates.ocsp.check': typeof certificateRevocationOperations.checkOcsp;
  'certificates.ocsp.respond': typeof certificateRevocationOperations.respondOcsp;
  'certificates.purge': typeof certificateOperations.purge;
  'certificates.renew': typeof certificateMakingOperations.renew;
  'certificates.request': typeof certificateMakingOperations.request;
  'certificates.restore': typeof certificateOperations.restore;
  'certificates.revoke': typeof certificateRevocationOperations.revoke;
  'certificates.self-sign': typeof certificateMakingOperations.selfSign;
  'certificates.show': typeof certificateOperations.show;
  'certificates.update': typeof certificateOperations.update;
  'certificates.verify': typeof certificateCheckOperations.verify;
  'config.explain': typeof serviceOperations.configExplain;
  'config.set': typeof serviceOperations.configSet;
  'config.show': typeof serviceOperations.configShow;
  'config.validate': typeof serviceOperations.configValidate;
  'doctor.run': typeof serviceOperations.doctorRun;
  'files.convert': typeof fileOperations.convert;
  'files.decrypt': typeof encryptionOperations.decryptFiles;
  'files.encrypt': typeof encryptionOperations.encryptFiles;
  'files.formats': typeof fileOperations.formats;
  'files.inspect': typeof fileOperations.inspect;
  'files.jwt': typeof fileOperations.jwt;
  'files.pages': typeof fileOperations.pages;
  'files.recipients': typeof encryptionOperations.recipients;
  'files.sign': typeof fileOperations.sign;
  'files.timestamp': typeof fileOperations.timestamp;
  'files.verify': typeof fileOperations.verify;
  'health.hide': typeof healthOperations.hide;
  'health.list': typeof healthOperations.list;
  'health.unhide': typeof healthOperations.unhide;
  'jobs.cancel': typeof serviceOperations.jobsCancel;
  'jobs.forget': typeof serviceOperations.jobsForget;
  'jobs.list': typeof serviceOperations.jobsList;
  'jobs.pause': typeof serviceOperations.jobsPause;
  'jobs.resume': typeof serviceOperations.jobsResume;
  'jobs.show': typeof serviceOperations.jobsShow;
  'jobs.watch': typeof serviceOperations.jobsWatch;
  'keys.agree': typeof keyUseOperations.agree;
  'keys.capabilities': typeof keyOperations.capabilities;
  'keys.check': typeof keyOperations.check;
  'keys.copy': typeof keyOperations.copy;
  'keys.decapsulate': typeof keyUseOperations.decapsulate;
  'keys.decrypt': typeof keyUseOperations.decrypt;
  'keys.delete': typeof keyOperations.remove;
  'keys.derive': typeof keyUseOperations.derive;
  'keys.derive-password': typeof keyUseOperations.derivePassword;
  'keys.encapsulate': typeof keyUseOperations.encapsulate;
  'keys.encrypt': typeof keyUseOperations.encrypt;
  'keys.export': typeof keyOperations.exportKey;
  'keys.formats': typeof keyOperations.formats;
  'keys.generate': typeof keyOperations.generate;
  'keys.import': typeof keyOperations.importKeys;
  'keys.list': typeof keyOperations.list;
  'keys.mac': typeof keyUseOperations.mac;
  'keys.move': typeof keyOperations.move;
  'keys.public': typeof keyOperations.publicKey;
  'keys.purge': typeof keyOperations.purge;
  'keys.random': typeof keyUseOperations.random;
  'keys.restore': typeof keyOperations.restore;
  'keys.rotate': typeof keyOperations.rotate;
  'keys.show': typeof keyOperations.show;
  'keys.sign': typeof keyUseOperations.sign;
  'keys.unwrap': typeof keyUseOperations.unwrap;
  'keys.update': typeof keyOperations.update;
  'keys.verify': typeof keyUseOperations.verify;
  'keys.verify-mac': typeof keyUseOperations.verifyMac;
  'keys.versions': typeof keyOperations.versions;
  'keys.wrap': typeof keyUseOperations.wrap;
  'store.backup': typeof storeOperations.backup;
  'store.change-passphrase': typeof storeOperations.changePassphrase;
  'store.create': typeof storeOperations.create;
  'store.lock': typeof storeOperations.lock;
  'store.open': typeof storeOperations.open;
  'store.recent': typeof storeOperations.recent;
  'store.restore': typeof storeOperations.restore;
  'store.slots.add': typeof storeOperations.slotsAdd;
  'store.slots.list': typeof storeOperations.slotsList;
  'store.slots.remove': typeof storeOperations.slotsRemove;
  'store.status': typeof storeOperations.status;
  'store.unlock': typeof storeOperations.unlock;
  'store.verify': typeof storeOperations.verify;
  'tokens.attest': typeof tokenOperations.attest;
  'tokens.change-pin': typeof tokenOperations.changePin;
  'tokens.change-puk': typeof tokenOperations.changePuk;
  'tokens.change-so-pin': typeof tokenOperations.changeSoPin;
  'tokens.delete-certificate': typeof tokenOperations.deleteCertificate;
  'tokens.delete-key': typeof tokenOperations.deleteKey;
  'tokens.dkek.create-share': typeof tokenOperations.createDkekShare;
  'tokens.dkek.import-share': typeof tokenOperations.importDkekShare;
  'tokens.get-certificate': typeof tokenOperations.getCertificate;
  'tokens.initialize': typeof tokenOperations.initialize;
  'tokens.list': typeof tokenOperations.list;
  'tokens.mechanisms': typeof tokenOperations.mechanisms;
  'tokens.move-key': typeof tokenOperations.moveKey;
  'tokens.put-certificate': typeof tokenOperations.putCertificate;
  'tokens.rename': typeof tokenOperations.rename;
  'tokens.reset': typeof tokenOperations.reset;
  'tokens.set-identifiers': typeof tokenOperations.setIdentifiers;
  'tokens.set-management-key': typeof tokenOperations.setManagementKey;
  'tokens.set-retries': typeof tokenOperations.setRetries;
  'tokens.show': typeof tokenOperations.show;
  'tokens.slots': typeof tokenOperations.slots;
  'tokens.unblock-pin': typeof tokenOperations.unblockPin;
  'tokens.unwrap-key': typeof tokenOperations.unwrapKey;
  'tokens.watch': typeof tokenOperations.watch;
  'tokens.wrap-key': typeof tokenOperations.wrapKey;
}

export interface OperationFacts {
  readonly effect: 'read' | 'use' | 'write' | 'destroy';
  readonly streams: boolean;
  readonly asks: boolean;
  readonly onCommandLine: boolean;
  readonly cli: {
    readonly arguments?: readonly string[];
    readonly files?: Readonly<Record<string, string>>;
    readonly options?: Readonly<Record<string, string>>;
    readonly switches?: Readonly<Record<string, string>>;
    readonly paths?: Readonly<Record<string, 'in' | 'out'>>;
  };
  readonly defaults: Readonly<Record<string, unknown>>;
}

export const OPERATION_FACTS: Readonly<Record<keyof Operations, OperationFacts>> = {
  'access.grant': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"options":{"scope":"scope","expires":"expires"}},"defaults":{"expires":"90d"}},
  'access.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'access.revoke': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'access.whoami': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'agent.health': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'agent.metrics': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'agent.openapi': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'agent.status': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'audit.export': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"from":1,"limit":50000}},
  'audit.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"limit":100}},
  'audit.verify': {"effect":"read","streams":true,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'backends.add': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["type"],"options":{"settings":"set"}},"defaults":{"settings":{}}},
  'backends.configure': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"],"options":{"settings":"set"}},"defaults":{}},
  'backends.diagnose': {"effect":"read","streams":true,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'backends.disable': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'backends.enable': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'backends.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'backends.remove': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'backends.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'backends.test': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["name"]},"defaults":{}},
  'certificates.chain': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{}},
  'certificates.compare': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate","other"]},"defaults":{}},
  'certificates.crl.create': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{"days":7,"delta":false,"deltaUrl":[],"format":"pem"}},
  'certificates.crl.import': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["file?"],"files":{"file":"content","in":"content"}},"defaults":{}},
  'certificates.crl.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["crl?"]},"defaults":{"format":"none"}},
  'certificates.delete': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{}},
  'certificates.examine': {"effect":"read","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["host"]},"defaults":{"trust":"both","save":false,"seconds":10}},
  'certificates.expiring': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"days":90,"expired":true,"revoked":false,"format":"table"}},
  'certificates.export': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{"withChain":false,"withKey":false,"profile":"modern"}},
  'certificates.import': {"effect":"write","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["file"],"files":{"file":"content","in":"content"},"options":{"tags":"tag"}},"defaults":{"tags":[],"trusted":false}},
  'certificates.issue': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["file?"],"files":{"file":"request","in":"request"},"options":{"tags":"tag","ssh.principals":"principal","ssh.keyId":"key-id","ssh.serial":"serial","ssh.forceCommand":"force-command","ssh.sourceAddress":"source-address","ssh.verifyRequired":"verify-required","ssh.extensions":"extension"}},"defaults":{"san":[],"permit":[],"exclude":[],"policies":[],"crlUrl":[],"ocspUrl":[],"issuerUrl":[],"mustStaple":false,"tags":[]}},
  'certificates.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"sort":"label","trash":false,"limit":100}},
  'certificates.ocsp.answer': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"files":{"in":"request"}},"defaults":{"hours":24}},
  'certificates.ocsp.check': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate?"]},"defaults":{"nonce":true}},
  'certificates.ocsp.respond': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["certificate"],"files":{"in":"request"}},"defaults":{"hours":24}},
  'certificates.purge': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{}},
  'certificates.renew': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["certificate"],"options":{"tags":"tag"}},"defaults":{"newKey":false,"tags":[]}},
  'certificates.request': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"options":{"tags":"tag"}},"defaults":{"san":[],"mustStaple":false,"format":"pem"}},
  'certificates.restore': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{}},
  'certificates.revoke': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{"reason":"unspecified"}},
  'certificates.self-sign': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"options":{"tags":"tag"}},"defaults":{"san":[],"permit":[],"exclude":[],"policies":[],"crlUrl":[],"ocspUrl":[],"issuerUrl":[],"mustStaple":false,"tags":[]}},
  'certificates.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"]},"defaults":{}},
  'certificates.update': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate"],"options":{"tags":"tag"}},"defaults":{}},
  'certificates.verify': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["certificate?"],"files":{"in":"content"}},"defaults":{"name":[],"maxDepth":10,"trust":"both","allowWeak":false,"fetch":false,"extendedKeyUsage":[],"policy":[],"requirePolicy":false,"inhibitPolicyMapping":false,"inhibitAnyPolicy":false}},
  'config.explain': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key?"]},"defaults":{}},
  'config.set': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key","value"]},"defaults":{}},
  'config.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'config.validate': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'doctor.run': {"effect":"read","streams":true,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'files.convert': {"effect":"read","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["file"],"files":{"file":"content","in":"content"}},"defaults":{"encoding":"pem","encrypt":true,"profile":"modern"}},
  'files.decrypt': {"effect":"use","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["files..."],"options":{"identityFiles":"identity","out.path":"out","out.overwrite":"force","folders.hidden":"hidden","folders.symlinks":"follow-symlinks"},"paths":{"files":"in","identityFiles":"in","out.path":"out"}},"defaults":{"folders":{"hidden":false,"symlinks":false},"identityFiles":[],"out":{"beside":true,"overwrite":false}}},
  'files.encrypt': {"effect":"use","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["files..."],"options":{"recipients":"recipient","recipientFiles":"recipients-file","toPassphrase":"to-passphrase","out.path":"out","out.overwrite":"force","folders.hidden":"hidden","folders.symlinks":"follow-symlinks"},"paths":{"files":"in","recipientFiles":"in","out.path":"out"}},"defaults":{"folders":{"hidden":false,"symlinks":false},"recipients":[],"recipientFiles":[],"toPassphrase":false,"armor":false,"out":{"beside":true,"overwrite":false}}},
  'files.formats': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'files.inspect': {"effect":"read","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["file"],"files":{"file":"content","in":"content"}},"defaults":{"open":false,"bytes":false,"secrets":false}},
  'files.jwt': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"files":{"certificate":"certificate"}},"defaults":{"audience":[],"issuedAt":"now","type":"JWT"}},
  'files.pages': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["file.path"],"paths":{"file.path":"in"}},"defaults":{}},
  'files.recipients': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'files.sign': {"effect":"use","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["files..."],"files":{"certificate":"certificate"},"options":{"out.path":"out","out.overwrite":"force","encoding":"signature-encoding","signature.path":"signature","manifest.path":"manifest","manifest.overwrite":"replace-manifest","folders.hidden":"hidden","folders.symlinks":"follow-symlinks"},"paths":{"files":"in","out.path":"out","signature.path":"in","manifest.path":"out"}},"defaults":{"folders":{"hidden":false,"symlinks":false},"format":"raw","out":{"beside":true,"overwrite":false}}},
  'files.timestamp': {"effect":"write","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["file.path"],"options":{"authority":"timestamp","out.path":"out","out.overwrite":"force"},"paths":{"file.path":"in","out.path":"out"}},"defaults":{"hash":"sha256","out":{"beside":true,"overwrite":false}}},
  'files.verify': {"effect":"read","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["files...?"],"files":{"public-key":"publicKey","allowed-signers":"allowedSigners","roots":"roots"},"options":{"signature.path":"signature","encoding":"signature-encoding","manifest.path":"manifest","folders.hidden":"hidden","folders.symlinks":"follow-symlinks"},"paths":{"files":"in","signature.path":"in","manifest.path":"in"}},"defaults":{"folders":{"hidden":false,"symlinks":false},"trust":"store","purpose":"file-signing"}},
  'health.hide': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'health.list': {"effect":"read","streams":false,"asks":true,"onCommandLine":true,"cli":{},"defaults":{"look":false,"hidden":false,"limit":500}},
  'health.unhide': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.cancel': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.forget': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'jobs.pause': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.resume': {"effect":"write","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'jobs.watch': {"effect":"read","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'keys.agree': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"peer"}},"defaults":{}},
  'keys.capabilities': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.check': {"effect":"read","streams":true,"asks":true,"onCommandLine":true,"cli":{},"defaults":{"limit":200}},
  'keys.copy': {"effect":"write","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["keys..."]},"defaults":{"dryRun":false}},
  'keys.decapsulate': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"ciphertext"}},"defaults":{}},
  'keys.decrypt': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"ciphertext","aad-file":"aad","nonce-file":"nonce","tag-file":"tag"}},"defaults":{}},
  'keys.delete': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.derive': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"salt-file":"salt","info-file":"info"},"options":{"length":"bytes"}},"defaults":{"hash":"sha256","length":32}},
  'keys.derive-password': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"files":{"salt-file":"salt"},"options":{"length":"bytes"}},"defaults":{"function":"argon2id","length":32}},
  'keys.encapsulate': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.encrypt': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"plaintext","aad-file":"aad"}},"defaults":{"form":"keywright"}},
  'keys.export': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{"format":"pkcs8","encrypt":true,"encoding":"pem","profile":"modern"}},
  'keys.formats': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.generate': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"options":{"tags":"tag","usages":"usage","ownPassphrase":"own-passphrase"}},"defaults":{"backend":"software","tags":[],"ownPassphrase":false}},
  'keys.import': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["file"],"files":{"file":"content","in":"content"},"options":{"tags":"tag","usages":"usage","ownPassphrase":"own-passphrase"}},"defaults":{"backend":"software","tags":[],"ownPassphrase":false}},
  'keys.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"sort":"label","trash":false,"limit":100}},
  'keys.mac': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"message"}},"defaults":{}},
  'keys.move': {"effect":"write","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["keys..."]},"defaults":{"dryRun":false}},
  'keys.public': {"effect":"read","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{"format":"pem"}},
  'keys.purge': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.random': {"effect":"use","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"bytes":32,"backend":"software"}},
  'keys.restore': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.rotate': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.sign': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"content.message"},"options":{"encoding":"signature-encoding"},"switches":{"digest":"content.digest"}},"defaults":{"encoding":"der"}},
  'keys.unwrap': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"wrapped"},"options":{"tags":"tag","usages":"usage"}},"defaults":{"tags":[],"backend":"software"}},
  'keys.update': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"],"options":{"tags":"tag","retireVersions":"retire-version"}},"defaults":{}},
  'keys.verify': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"content.message","signature":"signature"},"options":{"encoding":"signature-encoding"},"switches":{"digest":"content.digest"}},"defaults":{"encoding":"der"}},
  'keys.verify-mac': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key"],"files":{"in":"message","mac-file":"mac"}},"defaults":{}},
  'keys.versions': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["key"]},"defaults":{}},
  'keys.wrap': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["key","target"]},"defaults":{}},
  'store.backup': {"effect":"read","streams":true,"asks":false,"onCommandLine":true,"cli":{"options":{"out.path":"out","out.overwrite":"force"},"paths":{"out.path":"out"}},"defaults":{}},
  'store.change-passphrase': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{},"defaults":{}},
  'store.create': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{},"defaults":{"kind":"sqlite","name":"Keys","recoveryCode":false}},
  'store.lock': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'store.open': {"effect":"write","streams":false,"asks":false,"onCommandLine":false,"cli":{},"defaults":{}},
  'store.recent': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'store.restore': {"effect":"destroy","streams":true,"asks":true,"onCommandLine":true,"cli":{"arguments":["from.path"],"paths":{"from.path":"in"}},"defaults":{}},
  'store.slots.add': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["kind"]},"defaults":{}},
  'store.slots.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'store.slots.remove': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["id"]},"defaults":{}},
  'store.status': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'store.unlock': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{},"defaults":{"with":"passphrase"}},
  'store.verify': {"effect":"read","streams":true,"asks":false,"onCommandLine":true,"cli":{},"defaults":{}},
  'tokens.attest': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","slot"]},"defaults":{}},
  'tokens.change-pin': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.change-puk': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.change-so-pin': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.delete-certificate': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","slot"]},"defaults":{}},
  'tokens.delete-key': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","slot"]},"defaults":{}},
  'tokens.dkek.create-share': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.dkek.import-share': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","file"],"files":{"file":"share","in":"share"}},"defaults":{}},
  'tokens.get-certificate': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["token","slot"]},"defaults":{}},
  'tokens.initialize': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.list': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{},"defaults":{"present":false}},
  'tokens.mechanisms': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.move-key': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","from","to"]},"defaults":{}},
  'tokens.put-certificate': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","slot","file"],"files":{"file":"certificate","in":"certificate"}},"defaults":{}},
  'tokens.rename': {"effect":"write","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["token","name"]},"defaults":{}},
  'tokens.reset': {"effect":"destroy","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.set-identifiers': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.set-management-key': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{"protect":false,"touch":false}},
  'tokens.set-retries': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.show': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.slots': {"effect":"read","streams":false,"asks":false,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{"refresh":false}},
  'tokens.unblock-pin': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token"]},"defaults":{}},
  'tokens.unwrap-key': {"effect":"write","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","file"],"files":{"file":"wrapped","in":"wrapped"}},"defaults":{}},
  'tokens.watch': {"effect":"read","streams":true,"asks":true,"onCommandLine":true,"cli":{},"defaults":{}},
  'tokens.wrap-key': {"effect":"use","streams":false,"asks":true,"onCommandLine":true,"cli":{"arguments":["token","slot"]},"defaults":{}},
};

/** Key algorithms with what a key of each can do; lists have the recommended algorithm first. */
export const KEY_ALGORITHMS = {
  'rsa-1024': {"family":"rsa","kind":"pair","bits":1024,"usages":["sign","verify","encrypt","decrypt","wrap","unwrap"],"signatures":["rsa-pss-sha256","rsa-pkcs1-sha256","rsa-pkcs1-sha384","rsa-pkcs1-sha512","rsa-pss-sha384"],"encryptions":["rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha1","rsa-pkcs1"],"wrappings":["rsa-aes-kwp","rsa-oaep-sha256","rsa-oaep-sha384"]},
  'rsa-2048': {"family":"rsa","kind":"pair","bits":2048,"usages":["sign","verify","encrypt","decrypt","wrap","unwrap"],"signatures":["rsa-pss-sha256","rsa-pkcs1-sha256","rsa-pkcs1-sha384","rsa-pkcs1-sha512","rsa-pss-sha384","rsa-pss-sha512"],"encryptions":["rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512","rsa-oaep-sha1","rsa-pkcs1"],"wrappings":["rsa-aes-kwp","rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512"]},
  'rsa-3072': {"family":"rsa","kind":"pair","bits":3072,"usages":["sign","verify","encrypt","decrypt","wrap","unwrap"],"signatures":["rsa-pss-sha256","rsa-pkcs1-sha256","rsa-pkcs1-sha384","rsa-pkcs1-sha512","rsa-pss-sha384","rsa-pss-sha512"],"encryptions":["rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512","rsa-oaep-sha1","rsa-pkcs1"],"wrappings":["rsa-aes-kwp","rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512"]},
  'rsa-4096': {"family":"rsa","kind":"pair","bits":4096,"usages":["sign","verify","encrypt","decrypt","wrap","unwrap"],"signatures":["rsa-pss-sha256","rsa-pkcs1-sha256","rsa-pkcs1-sha384","rsa-pkcs1-sha512","rsa-pss-sha384","rsa-pss-sha512"],"encryptions":["rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512","rsa-oaep-sha1","rsa-pkcs1"],"wrappings":["rsa-aes-kwp","rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512"]},
  'rsa-8192': {"family":"rsa","kind":"pair","bits":8192,"usages":["sign","verify","encrypt","decrypt","wrap","unwrap"],"signatures":["rsa-pss-sha256","rsa-pkcs1-sha256","rsa-pkcs1-sha384","rsa-pkcs1-sha512","rsa-pss-sha384","rsa-pss-sha512"],"encryptions":["rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512","rsa-oaep-sha1","rsa-pkcs1"],"wrappings":["rsa-aes-kwp","rsa-oaep-sha256","rsa-oaep-sha384","rsa-oaep-sha512"]},
  'ec-p256': {"family":"ec","kind":"pair","bits":256,"usages":["sign","verify","agree","encrypt","decrypt"],"signatures":["ecdsa-sha256","ecdsa-sha384","ecdsa-sha512"],"encryptions":["hpke"],"wrappings":[]},
  'ec-p384': {"family":"ec","kind":"pair","bits":384,"usages":["sign","verify","agree","encrypt","decrypt"],"signatures":["ecdsa-sha384","ecdsa-sha256","ecdsa-sha512"],"encryptions":["hpke"],"wrappings":[]},
  'ec-p521': {"family":"ec","kind":"pair","bits":521,"usages":["sign","verify","agree","encrypt","decrypt"],"signatures":["ecdsa-sha512","ecdsa-sha256","ecdsa-sha384"],"encryptions":["hpke"],"wrappings":[]},
  'ec-secp256k1': {"family":"ec","kind":"pair","bits":256,"usages":["sign","verify","agree"],"signatures":["ecdsa-sha256","ecdsa-sha384","ecdsa-sha512"],"encryptions":[],"wrappings":[]},
  'ec-brainpoolp256r1': {"family":"ec","kind":"pair","bits":256,"usages":["sign","verify","agree"],"signatures":["ecdsa-sha256","ecdsa-sha384","ecdsa-sha512"],"encryptions":[],"wrappings":[]},
  'ec-brainpoolp384r1': {"family":"ec","kind":"pair","bits":384,"usages":["sign","verify","agree"],"signatures":["ecdsa-sha384","ecdsa-sha256","ecdsa-sha512"],"encryptions":[],"wrappings":[]},
  'ec-brainpoolp512r1': {"family":"ec","kind":"pair","bits":512,"usages":["sign","verify","agree"],"signatures":["ecdsa-sha512","ecdsa-sha256","ecdsa-sha384"],"encryptions":[],"wrappings":[]},
  'ed25519': {"family":"eddsa","kind":"pair","bits":255,"usages":["sign","verify"],"signatures":["ed25519"],"encryptions":[],"wrappings":[]},
  'ed448': {"family":"eddsa","kind":"pair","bits":448,"usages":["sign","verify"],"signatures":["ed448"],"encryptions":[],"wrappings":[]},
  'x25519': {"family":"xdh","kind":"pair","bits":255,"usages":["agree","encrypt","decrypt"],"signatures":[],"encryptions":["hpke"],"wrappings":[]},
  'x448': {"family":"xdh","kind":"pair","bits":448,"usages":["agree","encrypt","decrypt"],"signatures":[],"encryptions":["hpke"],"wrappings":[]},
  'aes-128': {"family":"aes","kind":"symmetric","bits":128,"usages":["encrypt","decrypt","wrap","unwrap"],"signatures":[],"encryptions":["aes-gcm","aes-cbc","aes-ctr"],"wrappings":["aes-kwp","aes-kw"]},
  'aes-192': {"family":"aes","kind":"symmetric","bits":192,"usages":["encrypt","decrypt","wrap","unwrap"],"signatures":[],"encryptions":["aes-gcm","aes-cbc","aes-ctr"],"wrappings":["aes-kwp","aes-kw"]},
  'aes-256': {"family":"aes","kind":"symmetric","bits":256,"usages":["encrypt","decrypt","wrap","unwrap"],"signatures":[],"encryptions":["aes-gcm","aes-cbc","aes-ctr"],"wrappings":["aes-kwp","aes-kw"]},
  'chacha20-poly1305': {"family":"chacha20","kind":"symmetric","bits":256,"usages":["encrypt","decrypt"],"signatures":[],"encryptions":["chacha20-poly1305"],"wrappings":[]},
  'hmac-sha256': {"family":"hmac","kind":"symmetric","bits":256,"usages":["mac","verify-mac","derive"],"signatures":[],"encryptions":[],"wrappings":[]},
  'hmac-sha384': {"family":"hmac","kind":"symmetric","bits":384,"usages":["mac","verify-mac","derive"],"signatures":[],"encryptions":[],"wrappings":[]},
  'hmac-sha512': {"family":"hmac","kind":"symmetric","bits":512,"usages":["mac","verify-mac","derive"],"signatures":[],"encryptions":[],"wrappings":[]},
  'ml-dsa-44': {"family":"ml-dsa","kind":"pair","bits":44,"usages":["sign","verify"],"signatures":["ml-dsa-44"],"encryptions":[],"wrappings":[]},
  'ml-dsa-65': {"family":"ml-dsa","kind":"pair","bits":65,"usages":["sign","verify"],"signatures":["ml-dsa-65"],"encryptions":[],"wrappings":[]},
  'ml-dsa-87': {"family":"ml-dsa","kind":"pair","bits":87,"usages":["sign","verify"],"signatures":["ml-dsa-87"],"encryptions":[],"wrappings":[]},
  'ml-kem-512': {"family":"ml-kem","kind":"pair","bits":512,"usages":["encapsulate","decapsulate"],"signatures":[],"encryptions":[],"wrappings":[]},
  'ml-kem-768': {"family":"ml-kem","kind":"pair","bits":768,"usages":["encapsulate","decapsulate"],"signatures":[],"encryptions":[],"wrappings":[]},
  'ml-kem-1024': {"family":"ml-kem","kind":"pair","bits":1024,"usages":["encapsulate","decapsulate"],"signatures":[],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-128s': {"family":"slh-dsa","kind":"pair","bits":128,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-128s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-128f': {"family":"slh-dsa","kind":"pair","bits":128,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-128f"],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-192s': {"family":"slh-dsa","kind":"pair","bits":192,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-192s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-192f': {"family":"slh-dsa","kind":"pair","bits":192,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-192f"],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-256s': {"family":"slh-dsa","kind":"pair","bits":256,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-256s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-sha2-256f': {"family":"slh-dsa","kind":"pair","bits":256,"usages":["sign","verify"],"signatures":["slh-dsa-sha2-256f"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-128s': {"family":"slh-dsa","kind":"pair","bits":128,"usages":["sign","verify"],"signatures":["slh-dsa-shake-128s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-128f': {"family":"slh-dsa","kind":"pair","bits":128,"usages":["sign","verify"],"signatures":["slh-dsa-shake-128f"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-192s': {"family":"slh-dsa","kind":"pair","bits":192,"usages":["sign","verify"],"signatures":["slh-dsa-shake-192s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-192f': {"family":"slh-dsa","kind":"pair","bits":192,"usages":["sign","verify"],"signatures":["slh-dsa-shake-192f"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-256s': {"family":"slh-dsa","kind":"pair","bits":256,"usages":["sign","verify"],"signatures":["slh-dsa-shake-256s"],"encryptions":[],"wrappings":[]},
  'slh-dsa-shake-256f': {"family":"slh-dsa","kind":"pair","bits":256,"usages":["sign","verify"],"signatures":["slh-dsa-shake-256f"],"encryptions":[],"wrappings":[]},
} as const;

export const PERMISSIONS = ["store:read","store:use","store:admin","backends:read","backends:admin","keys:read","keys:use","keys:write","keys:admin","certificates:read","certificates:use","certificates:write","certificates:admin","files:use","files:paths","tokens:read","tokens:write","tokens:admin","jobs:read","jobs:write","audit:read","access:read","access:admin","config:read","config:write","agent:read","doctor:read","health:read","health:write","prompts:admin"] as const;

export const ERROR_CODES = ["INVALID_INPUT","NOT_FOUND","ALREADY_EXISTS","CONFLICT","UNAUTHENTICATED","PERMISSION_DENIED","STORE_LOCKED","PIN_REQUIRED","PIN_INCORRECT","PIN_BLOCKED","TOUCH_TIMEOUT","TOKEN_REMOVED","CAPABILITY_MISSING","BACKEND_UNAVAILABLE","RATE_LIMITED","CANCELLED","TIMEOUT","CORRUPT_RECORD","STORAGE_FULL","STORAGE_READ_ONLY","STORE_TOO_NEW","INTERNAL"] as const;
