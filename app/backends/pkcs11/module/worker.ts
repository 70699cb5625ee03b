import { createReadStream, createWriteStream } from 'node:fs';
import { Socket } from 'node:net';
import { KeywrightError } from '../../../contract/index.ts';
import { serve, type Method } from '../../worker/serve.ts';
import type { Inputs, MethodName } from '../messages.ts';
import { Cryptoki } from './cryptoki.ts';
import { deleteCertificate, exportKey, generateKey, importKey, putCertificate, removeKey } from './make.ts';
import { readObjects } from './objects.ts';
import { slotStates, SlotToken } from './token.ts';
import { agree, decryptAes, decryptRsa, encryptAes, mac, random, sign, unwrap, wrap } from './uses.ts';

/**
 * The process of one PKCS#11 module. It speaks the worker protocol over descriptor 3, since modules print what they like to standard
 * output. What may block blocks this process alone; the core ends it at a deadline.
 */

const CHANNEL = 3;

interface Settings {
  readonly module: string;
  readonly sessions: number;
}

let cryptoki: Cryptoki | undefined;
let mostSessions = 1;
const tokens = new Map<string, SlotToken>();

function tokenIn(slot: string): SlotToken {
  if (cryptoki === undefined) throw new KeywrightError('BACKEND_UNAVAILABLE', 'The module is not loaded.');
  let token = tokens.get(slot);
  if (token === undefined) tokens.set(slot, (token = new SlotToken(cryptoki, Buffer.from(slot, 'hex'), mostSessions)));
  return token;
}

const text = (secret: string | null): string => Buffer.from(secret ?? '', 'base64url').toString('utf8');
const coded = async (given: Uint8Array | Promise<Uint8Array>): Promise<string> => {
  const bytes = await given;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
};
/** PKCS#11 v3.1 §5.5: the label is padded with blanks to 32 bytes. */
const padded = (label: string): string => label + ' '.repeat(Math.max(0, 32 - Buffer.byteLength(label)));

const methods: { readonly [M in MethodName]: (input: Inputs[M]) => unknown } = {
  'slots.list': () => slotStates(cryptoki as Cryptoki),
  'slots.forget': async ({ slot }) => {
    await tokens.get(slot)?.close();
    tokens.delete(slot);
  },
  'token.mechanisms': ({ slot }) => [...tokenIn(slot).mechanisms().values()],
  'token.objects': async ({ slot }) => {
    const token = tokenIn(slot);
    token.forgetHandles();
    return token.sessions.useWithoutLogin(async (session) => ({ ...(await readObjects(token.cryptoki, session)), loggedIn: token.sessions.loggedIn === 'user' }));
  },
  'token.login': async ({ slot, user, secret }) => {
    const token = tokenIn(slot);
    await token.sessions.login(user, text(secret));
    token.forgetHandles();
  },
  'token.logout': async ({ slot }) => {
    const token = tokenIn(slot);
    await token.sessions.logout();
    token.forgetHandles();
  },
  'token.initialize': async ({ slot, label, secret }) => {
    const token = tokenIn(slot);
    await token.close();
    token.cryptoki.call('C_InitToken', (lib) => lib.C_InitToken(token.handle, text(secret), padded(label)));
    tokens.delete(slot);
  },
  'token.init-pin': ({ slot, newSecret }) => tokenIn(slot).sessions.alone((session) => tokenIn(slot).cryptoki.call('C_InitPIN', (lib) => lib.C_InitPIN(session, text(newSecret)))),
  'token.set-pin': ({ slot, secret, newSecret }) => tokenIn(slot).sessions.alone((session) => tokenIn(slot).cryptoki.call('C_SetPIN', (lib) => lib.C_SetPIN(session, text(secret), text(newSecret)))),
  'keys.generate': ({ slot, ...key }) => generateKey(tokenIn(slot), key),
  'keys.import': async ({ slot, material, ...key }) => {
    const bytes = Buffer.from(material, 'base64url');
    try {
      await importKey(tokenIn(slot), key, bytes);
    } finally {
      bytes.fill(0);
    }
  },
  'keys.export': async ({ slot, key, algorithm }) => {
    using secret = await exportKey(tokenIn(slot), key, algorithm);
    return Buffer.from(secret.reveal()).toString('base64url');
  },
  'keys.remove': ({ slot, key }) => removeKey(tokenIn(slot), key),
  'keys.sign': ({ slot, ...input }) => coded(sign(tokenIn(slot), input)),
  'keys.decrypt-rsa': ({ slot, ...input }) => coded(decryptRsa(tokenIn(slot), input)),
  'keys.encrypt': ({ slot, ...input }) => encryptAes(tokenIn(slot), input),
  'keys.decrypt': ({ slot, ...input }) => coded(decryptAes(tokenIn(slot), input)),
  'keys.wrap': ({ slot, ...input }) => coded(wrap(tokenIn(slot), input)),
  'keys.unwrap': ({ slot, ...input }) => coded(unwrap(tokenIn(slot), input)),
  'keys.agree': ({ slot, ...input }) => coded(agree(tokenIn(slot), input)),
  'keys.mac': ({ slot, ...input }) => coded(mac(tokenIn(slot), input)),
  'random': ({ slot, length }) => coded(random(tokenIn(slot), length)),
  'certificates.put': ({ slot, ...input }) => putCertificate(tokenIn(slot), input),
  'certificates.delete': ({ slot, id }) => deleteCertificate(tokenIn(slot), id),
};

function end(): void {
  cryptoki?.finalize();
  process.exit(0);
}

const channel = process.platform === 'win32'
  ? { input: createReadStream('', { fd: CHANNEL }), output: createWriteStream('', { fd: CHANNEL }) }
  : ((socket) => ({ input: socket, output: socket }))(new Socket({ fd: CHANNEL, readable: true, writable: true }));

serve(channel.input, channel.output, {
  hello: (given) => {
    const { module, sessions } = given as Settings;
    mostSessions = sessions;
    cryptoki = Cryptoki.load(module);
    return { name: 'pkcs11', version: cryptoki.info.version, facts: cryptoki.info };
  },
  methods: methods as Record<string, Method>,
  end,
});
