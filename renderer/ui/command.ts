import { commandLine } from '../../app/contract/command-line.ts';
import { OPERATION_FACTS, type InputFor, type OperationId } from '../bridge/index.ts';

/** @returns the command that does the same as a call of the window. */
export function commandOf<K extends OperationId>(operation: K, input: InputFor<K>): string {
  return commandLine(operation, input as Readonly<Record<string, unknown>>, OPERATION_FACTS[operation]);
}
