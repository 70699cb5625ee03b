/** node would-be-writer.ts KIND FOLDER open|create — opens or creates a storage, and prints `opened` or the code of the error. */
import { KeywrightError } from '../../contract/index.ts';
import { fileKind } from '../file/index.ts';
import { sqliteKind } from '../sqlite/index.ts';

const [name, folder, how] = process.argv.slice(2);
const kind = [fileKind, sqliteKind].find((one) => one.kind === name)!;
try {
  await using _storage = await kind.open({ folder: folder!, create: how === 'create' });
  console.log('opened');
} catch (thrown) {
  console.log(thrown instanceof KeywrightError ? thrown.code : String(thrown));
}
