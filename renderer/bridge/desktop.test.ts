import { expect, test, vi } from 'vitest';
import type { DesktopApi } from './desktop-api.ts';
import { desktopBridge } from './desktop.ts';
import { asProblem, isCancelled } from './problem.ts';

function api(overrides: Partial<DesktopApi>): DesktopApi {
  const unused = (): never => {
    throw new Error('not expected here');
  };
  return {
    call: unused, cancel: unused, onEvent: () => () => undefined, pathForFile: () => '', pickFiles: unused, pickSavePath: unused, saveFile: unused, copyText: unused,
    showPrompts: unused, platform: 'linux', version: '0', ...overrides,
  };
}

test('a problem of the core arrives as it was told', async () => {
  const problem = { type: 'urn:keywright:error:pin-incorrect', title: 'x', status: 403, code: 'PIN_INCORRECT', detail: 'Wrong.', triesLeft: 2 };
  const bridge = desktopBridge(api({ call: async () => ({ ok: false, problem }) }));
  const error = await bridge.call('store.unlock', {}).catch((thrown: unknown) => thrown);
  expect(asProblem(error)).toEqual(problem);
});

test('aborting a call cancels it by its name, and one that was aborted before is never made', async () => {
  const cancel = vi.fn();
  const call = vi.fn<DesktopApi['call']>(() => new Promise(() => undefined));
  const bridge = desktopBridge(api({ call, cancel }));
  const abort = new AbortController();
  void bridge.call('store.status', {}, { signal: abort.signal });
  abort.abort();
  expect(cancel).toHaveBeenCalledWith(call.mock.calls[0]?.[3]);
  const refused = await bridge.call('store.status', {}, { signal: abort.signal }).catch((thrown: unknown) => thrown);
  expect(isCancelled(refused)).toBe(true);
  expect(call).toHaveBeenCalledTimes(1);
});

test('a dropped file is given by its path; one without a path is refused with what to do', async () => {
  const file = new File(['x'], 'a.txt');
  expect(await desktopBridge(api({ pathForFile: () => '/tmp/a.txt' })).fileFrom(file).toInput()).toEqual({ path: '/tmp/a.txt' });
  const refused = await desktopBridge(api({})).fileFrom(file).toInput().catch((thrown: unknown) => thrown);
  expect(asProblem(refused)).toMatchObject({ code: 'INVALID_INPUT', remedy: expect.any(String) as string });
});

test('a file that is too large is not read', async () => {
  const file = desktopBridge(api({})).fileFrom(new File(['12345'], 'a.txt'));
  expect(await file.bytes(5)).toEqual(new TextEncoder().encode('12345'));
  expect(asProblem(await file.bytes(4).catch((thrown: unknown) => thrown))).toMatchObject({ code: 'INVALID_INPUT' });
});
