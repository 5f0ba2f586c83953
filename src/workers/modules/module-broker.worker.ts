import { bytesToHex } from '../../base/hex.ts';
import type { HashHex } from '../../protocol/types/ids.ts';
import { ModuleCache } from '../../sandbox/module-cache.ts';
import { portLike } from '../gateway/messages.ts';
import type { ModuleAnswer, ModuleAsk } from './messages.ts';
import { createModuleBroker } from './module-broker.ts';

const broker = createModuleBroker({
  cache: new ModuleCache(),
  hashOf: async (bytes) => {
    const digest = await crypto.subtle.digest('SHA-256', bytes as BufferSource);
    return bytesToHex(new Uint8Array(digest)) as HashHex;
  },
});

/** Each message brings the port of one sandbox. */
self.onmessage = ({ ports }: MessageEvent<null>) => {
  for (const port of ports) {
    broker.serve(portLike<ModuleAsk, ModuleAnswer>(port));
  }
};
