import { mkdir, writeFile } from 'node:fs/promises';
import { arch, cpus, platform, totalmem } from 'node:os';
import { certificateBenchmarks } from './certificates.ts';
import { dispatcherBenchmarks } from './dispatcher.ts';
import { fileBenchmarks } from './files.ts';
import { fileBatchBenchmarks } from './file-batches.ts';
import { largeStoreBenchmarks } from './large-store.ts';
import { print, type Ratio, type Reading } from './measure.ts';
import { pkcs11Benchmarks } from './pkcs11.ts';
import { processBenchmarks } from './processes.ts';
import { restBenchmarks } from './rest.ts';
import { storageBenchmarks } from './storage.ts';
import { windowBenchmarks } from './window.ts';

/** `npm run bench [name ...]`: measures, prints medians of five, and writes the raw numbers to `.cache/bench.json`. */
const SUITES: Readonly<Record<string, () => AsyncGenerator<Ratio | Reading>>> = {
  dispatcher: dispatcherBenchmarks, rest: restBenchmarks, files: fileBenchmarks, 'file-batches': fileBatchBenchmarks, storage: storageBenchmarks, 'large-store': largeStoreBenchmarks, processes: processBenchmarks, pkcs11: pkcs11Benchmarks, certificates: certificateBenchmarks, window: windowBenchmarks,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in SUITES));
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}.\n`);
  process.exit(2);
}
const results: (Ratio | Reading)[] = [];
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for await (const result of suite()) {
    print(result);
    results.push(result);
  }
}
await mkdir('.cache', { recursive: true });
await writeFile('.cache/bench.json', JSON.stringify({ at: new Date().toISOString(), machine: { platform: platform(), arch: arch(), cpu: cpus()[0]?.model, cores: cpus().length, memory: totalmem(), node: process.version }, results }, null, 2));
process.exit(0);
