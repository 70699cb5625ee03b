/** What a program needs to use a core in another process: light, and fit for Electron's main process. */
export { channelPair, processChannel, socketChannel } from './channel.ts';
export { connectCore, wasNeverSent, type RemoteCore } from './client.ts';
