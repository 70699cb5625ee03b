import { expect, test } from 'vitest';
import { memoryCard, pcscError } from '../../devices/testing/memory-link.ts';
import { codeOf } from '../../keystore/testing/calls.ts';
import { enumerate, HsmSession, select } from './session.ts';
import { INS, OWN, UNDER_DKEK } from './applet.ts';
import { Client } from '../../../e2e/devices/smartcardhsm/testing/client.ts';
import { makeKey, withDkek } from './testing/keys.ts';

/** A card with two keys, in a reader that carries no command of more than a short one. @param cuts it also cuts off what a short answer does not hold, and the card does not tell. */
async function inShortReader({ cuts = false } = {}): Promise<{ session: HsmSession; whole: number }> {
  const card = withDkek();
  await makeKey(card, 1, '11');
  await makeKey(card, 2, '22', 'rsa:2048');
  const { card: connection } = memoryCard(async (apdu) => {
    if (apdu.length > 5 && apdu[4] === 0) throw pcscError('NotTransacted');
    const answer = Buffer.from(await card.transmit(apdu));
    return cuts && answer.at(-2) === 0x61 ? Buffer.concat([answer.subarray(0, -2), Buffer.of(0x90, 0)]) : answer;
  });
  const client = new Client(card);
  const session = new HsmSession(connection);
  await connection.exclusively(select);
  await client.verify();
  return { session, whole: (await client.command('80720292', Buffer.alloc(0))).data.length };
}
const wrap = { cla: OWN, ins: INS.wrap, p1: 2, p2: UNDER_DKEK.wrap, le: 0 };

test('in a reader for short commands alone, keys are listed and wrapped whole, piece by piece', async () => {
  const { session, whole } = await inShortReader();
  expect(await session.run((hsm) => enumerate(hsm))).toEqual(expect.arrayContaining([0xcc00, 0xcc01, 0xcc02]));
  const { data, sw } = await session.run((hsm) => hsm.transmit(wrap));
  expect([sw, data.length]).toEqual([0x9000, whole]);
  expect(whole).toBeGreaterThan(256);
});

test('a wrapped key that would be cut off is refused: a backup that is no key must not be written', async () => {
  const { session } = await inShortReader({ cuts: true });
  expect(await codeOf(session.run((hsm) => hsm.transmit(wrap)))).toBe('CAPABILITY_MISSING');
});
