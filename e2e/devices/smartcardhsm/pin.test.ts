import { describe, expect, it } from 'vitest';
import { VirtualSmartCardHsm } from './card.ts';
import { OFFICER_PIN, opened, PIN, SET_UP } from './testing/client.ts';

const officer = (pin: string): Buffer => Buffer.from(pin, 'hex');

describe('PINs of the virtual SmartCard-HSM', () => {
  it('a wrong PIN lowers the tries by one, asking lowers none, a right one restores them', async () => {
    const client = await opened();
    expect(await client.status('00200081')).toBe('63c3');
    expect(await client.verify('000000')).toBe('63c2');
    expect(await client.status('00200081')).toBe('63c2');
    expect(await client.verify()).toBe('9000');
    expect(await client.status('00200081')).toBe('9000');
    await client.select();
    expect(await client.status('00200081')).toBe('63c3');
  });

  it('a blocked PIN is unblocked with the SO PIN, and a new one set', async () => {
    const client = await opened();
    for (const left of ['63c2', '63c1', '6983']) expect(await client.verify('000000')).toBe(left);
    expect(await client.verify()).toBe('6983');
    expect((await client.command('002c0081', Buffer.concat([officer('0000000000000000'), Buffer.from('123456')]))).status).toBe('63ce');
    expect((await client.command('002c0081', Buffer.concat([officer(OFFICER_PIN), Buffer.from('123456')]))).status).toBe('9000');
    expect(await client.verify('123456')).toBe('9000');
    expect(client.card.ledger.repeats).toBe(2);
  });

  it('resets nothing when it was initialised without that option', async () => {
    const client = await opened({});
    expect((await client.initialise({ options: '0000' })).status).toBe('9000');
    expect((await client.command('002c0081', Buffer.concat([officer(OFFICER_PIN), Buffer.from('123456')]))).status).toBe('6985');
  });

  it('changes PIN and SO PIN, each against its old value', async () => {
    const client = await opened();
    expect((await client.command('00240081', Buffer.from('000000654321'))).status).toBe('63c2');
    expect((await client.command('00240081', Buffer.from(`${PIN}12345`))).status).toBe('6a80');
    expect((await client.command('00240081', Buffer.from(`${PIN}87654321`))).status).toBe('9000');
    expect(await client.verify('87654321')).toBe('9000');
    expect((await client.command('00240088', Buffer.concat([officer(OFFICER_PIN), officer('1122334455667788')]))).status).toBe('9000');
    expect(await client.status('00200088')).toBe('63cf');
  });

  it('one that was never initialised has no PINs; it is initialised with any SO PIN, and later with that one alone', async () => {
    const client = await opened({});
    expect(await client.status('00200081')).toBe('6a88');
    expect(await client.status('00200088')).toBe('6a88');
    expect((await client.initialise({ shares: 2 })).status).toBe('9000');
    expect((await client.initialise({ officerPin: '0000000000000000' })).status).toBe('6985');
    expect(await client.status('00200088')).toBe('63ce');
    expect((await client.initialise({ retries: 4 })).status).toBe('6a80');
    expect((await client.initialise({ pin: '12345678', retries: 10 })).status).toBe('9000');
    expect(await client.status('00200081')).toBe('63ca');
  });

  it('initialising destroys keys and files, but not the device’s own', async () => {
    const client = await opened();
    await client.verify();
    await client.generate(1, 'prime256v1');
    await client.initialise();
    expect([...client.card.memory.keys.keys()]).toEqual([0]);
    expect([...client.card.memory.files.keys()]).toEqual([0x2f02]);
  });

  it('forgets that the PIN was verified without power', async () => {
    const card = new VirtualSmartCardHsm({ setUp: SET_UP });
    const client = await opened(card);
    await client.verify();
    card.powerOff();
    card.powerOn();
    await client.select();
    expect((await client.generate(1, 'prime256v1')).status).toBe('6982');
  });
});
