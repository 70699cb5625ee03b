import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Paces } from './pace.ts';

let clock = 0;
let atOnce = 0;
let inPool = 0;

/** One call that takes so long, wherever it is made. */
function call(paces: Paces, milliseconds: number, kind = 'key/ecdsa'): Promise<string> {
  return paces.run(kind, async () => {
    inPool += 1;
    clock += milliseconds;
    return 'answer';
  }, () => {
    atOnce += 1;
    clock += milliseconds;
    return 'answer';
  });
}

async function calls(paces: Paces, count: number, milliseconds: number): Promise<void> {
  for (let index = 0; index < count; index += 1) expect(await call(paces, milliseconds)).toBe('answer');
}

beforeEach(() => {
  clock = atOnce = inPool = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
});
afterEach(() => vi.restoreAllMocks());

describe('the pace of a module’s calls', () => {
  it('makes calls at once when a row of them was quick', async () => {
    await calls(new Paces(), 20, 0.1);
    expect({ atOnce, inPool }).toEqual({ atOnce: 12, inPool: 8 });
  });

  it('leaves a card, or a touch, to the pool', async () => {
    await calls(new Paces(), 50, 40);
    expect({ atOnce, inPool }).toEqual({ atOnce: 0, inPool: 50 });
  });

  it('judges each mechanism of each key by itself', async () => {
    const paces = new Paces();
    await calls(paces, 10, 0.1);
    await call(paces, 0.1, 'key/rsa');
    expect(inPool).toBe(9);
  });

  it('goes back to the pool for long when calls at once hold up the others, and tries again later', async () => {
    const paces = new Paces();
    // In the pool it looks quick, since what waits there waits beside others.
    await calls(paces, 100, 1);
    expect(atOnce).toBe(4);
    await calls(paces, 2000, 0.1);
    expect(atOnce).toBeGreaterThan(4);
  });

  it('forgives one that was slow among quick ones', async () => {
    const paces = new Paces();
    await calls(paces, 30, 0.1);
    await calls(paces, 2, 5);
    await calls(paces, 10, 0.1);
    expect(inPool).toBe(8);
  });

  it('passes on what a call fails with, and judges by what succeeded', async () => {
    const paces = new Paces();
    await expect(paces.run('key', () => Promise.reject(new Error('refused')), () => 'never')).rejects.toThrow('refused');
    await calls(paces, 9, 0.1);
    await expect(paces.run('key/ecdsa', () => Promise.resolve('never'), () => { throw new Error('refused'); })).rejects.toThrow('refused');
  });

  it('starts anew when the token’s keys are others', async () => {
    const paces = new Paces();
    await calls(paces, 10, 0.1);
    paces.clear();
    await call(paces, 0.1);
    expect(inPool).toBe(9);
  });
});
