/**
 * node journal-writer.ts FOLDER — opens a journal whose last commit was written and not fsynced, as a process leaves it that is killed, and tells how
 * many changes it holds. Then it finishes two of its files before what they hold is elsewhere, as a full disk would make it, and removes them. A test traces it.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '../file/journal.ts';
import { frameOf } from '../frames.ts';
import { say } from './say.ts';

const folder = process.argv[2]!;
const path = join(folder, 'journal');
for (const name of [path, join(folder, 'records')]) mkdirSync(name);
const killed = Journal.begin(path);
await killed.append([['a', undefined]]);
killed.close();
const deletion = [Buffer.from([0, 1, 0, 0, 0]), Buffer.from('a')];
appendFileSync(join(path, '0000000000000001.journal'), frameOf(2, 1, deletion));
const { journal, changes } = Journal.open(path);
say(String(changes.length));
journal.rotate();
await journal.append([['a', undefined]]);
journal.remove(journal.rotate());
journal.close();
