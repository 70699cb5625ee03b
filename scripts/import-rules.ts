import type { IForbiddenRuleType } from 'dependency-cruiser';

/**
 * Which folder may import what: the table of docs/architecture.md, and the only place that states it in code. Tests are
 * free, since they set up what they try. Paths are regular expressions from the repository's root.
 */
interface Room {
  /** The folder that is bound. */
  folder: string;
  /** What of this repository it may import, besides itself. */
  local: readonly string[];
  /** npm packages that it may import; left out: any that package.json lists. */
  packages?: readonly string[];
  /** Local files from which types alone may come. */
  types?: readonly string[];
  /** Node's own modules are out of reach. */
  withoutNode?: true;
}

const CONTRACT = '^app/contract/';
const KEYSTORE = '^app/keystore/';
const STORAGE = '^app/storage/storage\\.ts$';
const FORMATS = '^app/formats/';
const CERTIFICATES = '^app/certificates/';
const SIGNING = '^app/signing/';
const ENCRYPTION = '^app/encryption/';
/** How files are read, and written so that they are there as a whole or not at all. */
const FILES = '^app/signing/(raw|write-aside|file-errors)\\.ts$';

const ROOMS: readonly Room[] = [
  { folder: '^app/contract/', local: [], packages: ['zod'], withoutNode: true },
  { folder: '^app/keystore/', local: [CONTRACT], types: [STORAGE], packages: ['zod'] },
  { folder: '^app/storage/', local: [CONTRACT], packages: ['zod'] },
  { folder: '^app/devices/', local: [CONTRACT] },
  // `frames`: the worker protocol has the same frames as processes of ours have between each other.
  { folder: '^app/backends/', local: [KEYSTORE, CONTRACT, FORMATS, '^app/devices/', STORAGE, '^app/rpc/frames\\.ts$'] },
  { folder: '^app/formats/', local: [CONTRACT, KEYSTORE] },
  { folder: '^app/certificates/', local: [CONTRACT, KEYSTORE, FORMATS] },
  { folder: '^app/signing/', local: [CONTRACT, KEYSTORE, FORMATS, CERTIFICATES] },
  { folder: '^app/encryption/', local: [CONTRACT, KEYSTORE, FORMATS, CERTIFICATES, FILES] },
  // `sealed` is no kind of storage but the layer over any of them; which kinds there are comes in through the composing index.
  { folder: '^app/keychain/', local: [CONTRACT, KEYSTORE, STORAGE, '^app/storage/sealed/index\\.ts$', FORMATS, CERTIFICATES, SIGNING, ENCRYPTION], packages: ['zod'] },
  { folder: '^app/config/', local: [CONTRACT], packages: ['zod'] },
  { folder: '^app/rpc/', local: [CONTRACT, '^app/(index|version)\\.ts$', '^app/config/'], packages: ['zod'] },
  { folder: '^app/agent/', local: [CONTRACT, '^app/keychain/(dispatcher|index|files/spool)\\.ts$', '^app/rpc/', '^app/config/', '^app/index\\.ts$'] },
  { folder: '^app/cli/', local: [CONTRACT, '^app/keychain/(dispatcher|index)\\.ts$', '^app/rpc/', '^app/config/', '^app/(index|begin|version)\\.ts$', '^app/agent/'] },
  { folder: '^main/', local: [CONTRACT, '^app/rpc/', '^preload/channels\\.ts$', '^preload/operations\\.generated\\.ts$', '^renderer/i18n/[^/]+\\.json$'], types: ['^renderer/bridge/'], packages: ['electron'] },
  { folder: '^preload/', local: [], types: ['^renderer/bridge/'], packages: ['electron'], withoutNode: true },
  // How a call is written as a command imports nothing, no schema library either.
  { folder: '^renderer/', local: ['^app/contract/command-line\\.ts$'], types: [CONTRACT], withoutNode: true },
];

const HOUSE = '^(app|main|preload|renderer|e2e|scripts)/';
/** Free of the rules: tests, the suites that tests share, build configuration, and what generates sources. */
export const FREE = '(\\.test\\.tsx?|/conformance[^/]*\\.ts|/testing/.*|/vite\\.config\\.ts|/generate\\.ts)$';

/** The file that breaks the rules on purpose, so that a run that sees nothing is noticed. */
export const CANARY = 'app/contract/import-rules.canary.ts';
/** The rules that it must break. */
export const CANARY_BREAKS = ['app/contract: local', 'app/contract: node', 'app/contract: packages'];

function rulesOf(room: Room): IForbiddenRuleType[] {
  const name = room.folder.replace(/^\^|\/$/g, '');
  const from = { path: room.folder, pathNot: FREE };
  const types = room.types ?? [];
  const rules: IForbiddenRuleType[] = [
    { name: `${name}: local`, severity: 'error', from, to: { path: HOUSE, pathNot: [room.folder, ...room.local, ...types] } },
  ];
  if (types.length > 0) {
    rules.push({ name: `${name}: types alone`, severity: 'error', from, to: { path: [...types], pathNot: [room.folder, ...room.local], dependencyTypesNot: ['type-only'] } });
  }
  if (room.packages !== undefined) {
    rules.push({
      name: `${name}: packages`,
      severity: 'error',
      from,
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown', 'unknown'], pathNot: ['^\\.', ...room.packages.map((one) => `(^|node_modules/)${one}(/|$)`)] },
    });
  }
  if (room.withoutNode === true) rules.push({ name: `${name}: node`, severity: 'error', from, to: { dependencyTypes: ['core'] } });
  return rules;
}

export const FORBIDDEN: IForbiddenRuleType[] = [
  ...ROOMS.flatMap(rulesOf),
  {
    // No backends: `software` is what those share whose keys this process holds itself, `worker` what those share whose keys another holds, `cards` what those share that find theirs in readers.
    name: 'backends know nothing of each other',
    severity: 'error',
    from: { path: '^app/backends/([^/]+)/', pathNot: ['^app/backends/smartcardhsm/', FREE] },
    to: { path: '^app/backends/[^/]+/', pathNot: ['^app/backends/$1/', '^app/backends/(software|worker|cards)/'] },
  },
  {
    name: 'concrete backends are named in two places alone',
    severity: 'error',
    from: { path: '^app/', pathNot: ['^app/backends/', '^app/index\\.ts$', FREE] },
    to: { path: '^app/backends/' },
  },
  // Where it cannot be built it is not installed, with its types, and everything else must be checked and run all the same.
  { name: 'the optional addon is asked for at run time alone', severity: 'error', from: {}, to: { path: '(^|/)pkcs11js(/|$)' } },
  { name: 'what is imported exists', severity: 'error', from: { pathNot: FREE }, to: { couldNotResolve: true } },
  { name: 'nothing goes in circles', severity: 'error', from: { pathNot: FREE }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
];

/** Where programs, tests, what tests start as a process, and tools begin: whatever is not reached from here is dead. */
export const ENTRIES = new RegExp([
  '^app/(cli/main|rpc/host|storage/sqlite/worker|signing/small-files/worker|keychain/hygiene/worker|backends/pkcs11/module/worker)\\.ts$', '^main/main\\.ts$', '^preload/(window|prompt)\\.ts$', '^renderer/(prompt/)?main\\.tsx$',
  '^(scripts|bench)/[^/]+\\.(ts|mjs)$', '/([\\w-]*writer|starter)\\.ts$', '^e2e/(pictures(\\.config)?|playwright\\.config|support/display|devices/(plug|ledger-run|ledger-file))\\.ts$', '\\.test\\.tsx?$', '/vite\\.config\\.ts$', '/generate\\.ts$', '\\.d\\.ts$',
].join('|'));
