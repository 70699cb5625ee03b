import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { SecretBytes } from '../app/contract/index.ts';
import { openTestCore, PASSPHRASE } from '../app/keychain/testing/core.ts';
import { storageKind } from '../app/storage/registry.ts';
import { openSealed } from '../app/storage/sealed/index.ts';
import { browserMissing, startBrowser } from '../e2e/support/browser.ts';
import { person, STORE } from '../e2e/support/person.ts';
import { temporaryFolder } from './core.ts';
import { compare, type Ratio } from './measure.ts';
import { populate } from './populate.ts';

const KEYS = 100_000;
const FRAMES = 120;
/** A fast turn of the wheel: some ten rows a frame. */
const STEP = 400;

/** Scrolling the list of 100,000 keys in the real window, against scrolling as many bare lines of text in the same browser: frames a second. */
export async function* windowBenchmarks(): AsyncGenerator<Ratio> {
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
    yield await compare(`scrolling ${KEYS} keys`, 'frames/s', { least: 0.9 }, () => scrolled(bare), () => scrolled(page));
  } finally {
    await program.close();
  }
}

/** @returns frames a second while the list moves with every frame. */
async function scrolled(page: Page): Promise<number> {
  await page.bringToFront();
  return page.getByRole('grid').first().evaluate(async (list, { frames, step }) => {
    const frame = (): Promise<number> => new Promise((resolve) => {
      requestAnimationFrame(resolve);
    });
    list.scrollTop = 0;
    await frame();
    const started = await frame();
    let last = started;
    for (let n = 0; n < frames; n += 1) {
      list.scrollTop += step;
      last = await frame();
    }
    return frames / ((last - started) / 1000);
  }, { frames: FRAMES, step: STEP });
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
