import { join } from 'node:path';
import { SecretBytes } from '../app/contract/index.ts';
import { openTestCore, PASSPHRASE } from '../app/keychain/testing/core.ts';
import { storageKind } from '../app/storage/registry.ts';
import { openSealed } from '../app/storage/sealed/index.ts';
import { browserMissing, startBrowser } from '../e2e/support/browser.ts';
import { person, STORE } from '../e2e/support/person.ts';
import { temporaryFolder } from './core.ts';
import { compare, reading, ROUNDS, type Ratio, type Reading } from './measure.ts';
import { populate } from './populate.ts';
import { FRAME_MS, percentile, scroll, WAYS, type Scrolled, type Way } from './scrolling.ts';

const KEYS = 100_000;

/**
 * Scrolling the list of 100,000 keys in the real window, each way that a hand does it. What the page's main thread does for a frame has to fit into the
 * frame, whatever else the machine is busy with: processor time tells that. Frames a second are compared with bare lines of text in the same browser.
 */
export async function* windowBenchmarks(): AsyncGenerator<Ratio | Reading> {
  const missing = browserMissing();
  if (missing !== undefined) {
    process.stdout.write(`skipped scrolling: ${missing}\n`);
    return;
  }
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  await fill(data);
  const program = await startBrowser(data);
  try {
    const { page } = program;
    await person(program).unlocks(PASSPHRASE);
    const list = page.getByRole('grid').first();
    await list.getByRole('row').nth(5).waitFor({ timeout: 60_000 });
    const bare = await page.context().newPage();
    await bare.setContent(`<div role="grid" style="height:100vh;overflow:auto">${'<p style="margin:0;height:36px">A line of text</p>'.repeat(5000)}</div>`);
    const ours: Record<Way, Scrolled[]> = { wheel: [], drag: [], keys: [] };
    const of = async (way: Way): Promise<Scrolled> => {
      const seen = await scroll(page, way);
      ours[way].push(seen);
      return seen;
    };
    yield await compare(`scrolling ${KEYS} keys, by the wheel`, 'frames/s', { least: 0.9 }, async () => (await scroll(bare, 'wheel')).rate, async () => (await of('wheel')).rate);
    yield await compare(`scrolling ${KEYS} keys, by its thumb`, 'frames/s', { least: 0.9 }, async () => (await scroll(bare, 'drag')).rate, async () => (await of('drag')).rate);
    for (let round = 0; round < ROUNDS; round += 1) await of('keys');
    for (const way of WAYS) {
      const [, ...warm] = ours[way];
      yield reading(`scrolling by ${way}: the main thread's processor time for a frame, 95th percentile`, warm.map(({ work }) => percentile(work, 0.95)), 'ms', FRAME_MS);
      yield reading(`scrolling by ${way}: frames with a place in sight where no row is`, warm.map(({ blank }) => blank), 'frames', 1);
    }
    yield reading('from where the thumb stops until all rows in sight are there', ours.drag.map(({ settled }) => settled), 'ms', 100);
  } finally {
    await program.close();
  }
}

async function fill(folder: string): Promise<void> {
  {
    await using core = await openTestCore({ folder });
    await core.call('store.create', { kind: 'sqlite', name: STORE });
  }
  using passphrase = SecretBytes.fromText(PASSPHRASE);
  await using raw = await (await storageKind('sqlite')).open({ folder: join(folder, 'store'), create: false });
  await using sealed = await openSealed(raw, { kind: 'passphrase', secret: passphrase });
  await populate(sealed, KEYS);
}
