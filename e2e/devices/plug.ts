/**
 * Plugs a virtual token in until it is stopped, to try a client by hand:
 *
 *     node e2e/devices/plug.ts yubikey --firmware 5.7.1 --serial 12345678
 *     node e2e/devices/plug.ts smartcardhsm --count 2
 *
 * It prints what to put into the client's environment. Lines on standard input control it: remove, insert [1] (into the other
 * slot), slow MILLISECONDS, trace, quit; for a YubiKey touch and auto (touch from now on by itself) too.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startPcscd } from './pcscd.ts';
import { VirtualSmartCardHsm } from './smartcardhsm/card.ts';
import { VirtualYubiKey } from './yubikey/card.ts';
import { FORM_FACTORS, type FormFactor } from './yubikey/model.ts';

const USAGE = `Usage: node e2e/devices/plug.ts yubikey [--firmware 5.7.1] [--serial 12345678] [--form-factor usb-c-keychain]
       node e2e/devices/plug.ts smartcardhsm [--firmware 3.5] [--count 2]`;

type Cards = { readonly kind: 'yubikey'; readonly cards: [VirtualYubiKey] } | { readonly kind: 'smartcardhsm'; readonly cards: [VirtualSmartCardHsm, ...VirtualSmartCardHsm[]] };

function readArguments(): Cards {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { firmware: { type: 'string' }, serial: { type: 'string' }, 'form-factor': { type: 'string' }, count: { type: 'string' } },
  });
  const [kind] = positionals;
  if (positionals.length !== 1 || (kind !== 'yubikey' && kind !== 'smartcardhsm')) throw new TypeError(USAGE);
  if (kind === 'smartcardhsm') {
    const card = (): VirtualSmartCardHsm => new VirtualSmartCardHsm(values.firmware === undefined ? {} : { version: values.firmware });
    return { kind, cards: values.count === '2' ? [card(), card()] : [card()] };
  }
  const formFactor = values['form-factor'];
  if (formFactor !== undefined && !(formFactor in FORM_FACTORS)) throw new TypeError(`Form factors are ${Object.keys(FORM_FACTORS).join(', ')}.`);
  return {
    kind,
    cards: [new VirtualYubiKey({
      ...(values.firmware === undefined ? {} : { firmware: values.firmware }),
      ...(values.serial === undefined ? {} : { serial: Number(values.serial) }),
      ...(formFactor === undefined ? {} : { formFactor: formFactor as FormFactor }),
    })],
  };
}

/** Says what is in, and what a client needs to know of it: the root that its attestations lead to. */
function introduce(card: VirtualYubiKey | VirtualSmartCardHsm, reader: string): void {
  if (card instanceof VirtualYubiKey) {
    console.log(`${card.model.name} ${card.model.firmware.join('.')}, serial number ${card.serial}, is in "${reader}".`);
    console.log(card.authority.root);
  } else {
    console.log(`SmartCard-HSM ${card.serial}, never initialised, is in "${reader}".`);
    console.log(`attestationRoots=${card.authority.root.toString('base64')}`);
  }
}

async function plug({ kind, cards }: Cards): Promise<void> {
  await using pcscd = await startPcscd();
  const [card] = cards;
  let reader = pcscd.reader(kind);
  for (const [index, one] of cards.entries()) {
    await pcscd.reader(kind, index).insert(one);
    introduce(one, pcscd.reader(kind, index).name);
  }
  console.log(`PCSCLITE_CSOCK_NAME=${pcscd.socket}`);
  for await (const line of createInterface({ input: process.stdin })) {
    const [word = '', argument] = line.trim().split(/\s+/);
    switch (word) {
      case 'remove': await reader.remove(); break;
      case 'insert': {
        await reader.remove();
        reader = pcscd.reader(kind, argument === undefined ? 0 : Number(argument));
        await reader.insert(card);
        break;
      }
      case 'touch': if (card instanceof VirtualYubiKey) console.log(card.touch.touch() ? 'touched' : 'nothing waits for a touch'); break;
      case 'auto': if (card instanceof VirtualYubiKey) card.touch.automatic = true; break;
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
