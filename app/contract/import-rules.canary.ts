/**
 * Breaks the import rules on purpose: the contract may import zod alone. The lint run must find each of these, else it
 * is blind and fails. Nothing imports this file.
 */
import { randomUUID } from 'node:crypto';
import type { KeyStore } from '../keystore/keystore.ts';
import { Command } from 'commander';

export type Canary = KeyStore;
export const canary = () => new Command(randomUUID());
