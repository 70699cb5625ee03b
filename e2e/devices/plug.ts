/**
 * Plugs a virtual token in until it is stopped, to try a client by hand:
 *
 *     node e2e/devices/plug.ts yubikey --firmware 5.7.1 --serial 12345678
 *
 * It prints what to put into the client's environment. Lines on standard input control it: remove, insert [1] (into the other
 * slot), touch, auto (touch from now on by itself), slow MILLISECONDS, trace, quit.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startPcscd } from './pcscd.ts';
import { VirtualYubiKey, type YubiKeyOptions } from './yubikey/card.ts';
import { FORM_FACTORS, type FormFactor } from './yubikey/model.ts';

const USAGE = 'Usage: node e2e/devices/plug.ts yubikey [--firmware 5.7.1] [--serial 12345678] [--form-factor usb-c-keychain]';

function readArguments(): YubiKeyOptions {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { firmware: { type: 'string' }, serial: { type: 'string' }, 'form-factor': { type: 'string' } },
  });
  if (positionals.length !== 1 || positionals[0] !== 'yubikey') throw new TypeError(USAGE);
  const formFactor = values['form-factor'];
  if (formFactor !== undefined && !(formFactor in FORM_FACTORS)) throw new TypeError(`Form factors are ${Object.keys(FORM_FACTORS).join(', ')}.`);
  return {
    ...(values.firmware === undefined ? {} : { firmware: values.firmware }),
    ...(values.serial === undefined ? {} : { serial: Number(values.serial) }),
    ...(formFactor === undefined ? {} : { formFactor: formFactor as FormFactor }),
  };
}

async function plug(options: YubiKeyOptions): Promise<void> {
  const card = new VirtualYubiKey(options);
  await using pcscd = await startPcscd();
  let reader = pcscd.reader('yubikey');
  await reader.insert(card);
  console.log(`${card.model.name} ${card.model.firmware.join('.')}, serial number ${card.serial}, is in "${reader.name}".`);
  console.log(`PCSCLITE_CSOCK_NAME=${pcscd.socket}`);
  console.log(card.authority.root);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word = '', argument] = line.trim().split(/\s+/);
    switch (word) {
      case 'remove': await reader.remove(); break;
      case 'insert': {
        await reader.remove();
        reader = pcscd.reader('yubikey', argument === undefined ? 0 : Number(argument));
        await reader.insert(card);
        break;
      }
      case 'touch': console.log(card.touch.touch() ? 'touched' : 'nothing waits for a touch'); break;
      case 'auto': card.touch.automatic = true; break;
      case 'slow': reader.delay = Number(argument ?? 0); break;
      case 'trace': for (const { header, sent, received, status } of card.trace.exchanges) console.log(`${header} (${sent}) → ${status} (${received})`); break;
      case 'quit': return;
      case '': break;
      default: console.log('remove, insert [1], touch, auto, slow MILLISECONDS, trace, quit');
    }
  }
}

try {
  await plug(readArguments());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
