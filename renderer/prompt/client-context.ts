import { createContext, useContext } from 'react';
import type { PromptClient } from './client.ts';

export const PromptClientContext = createContext<PromptClient | undefined>(undefined);

export function usePromptClient(): PromptClient {
  const client = useContext(PromptClientContext);
  if (client === undefined) throw new Error('no prompt client around this component');
  return client;
}
