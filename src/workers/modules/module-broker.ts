import type { HashHex } from '../../protocol/types/ids.ts';
import type { CompileResult, ModuleCache } from '../../sandbox/module-cache.ts';
import type { PortLike } from '../gateway/messages.ts';
import type { ModuleAnswer, ModuleAsk } from './messages.ts';

export interface ModuleBrokerDeps {
  readonly cache: ModuleCache;
  /** SHA-256 in hex. */
  hashOf(bytes: Uint8Array): Promise<HashHex>;
}

/**
 * Rewrites and compiles each canister module once for all sandboxes of the tab. Takes nothing but
 * original bytes, and compiles them only under their own hash: what a sandbox gets for a hash
 * cannot have come from another node.
 */
export function createModuleBroker({ cache, hashOf }: ModuleBrokerDeps): {
  serve(port: PortLike<ModuleAsk, ModuleAnswer>): void;
} {
  const resultFor = async ({ hash, wasm }: ModuleAsk): Promise<CompileResult | null> => {
    const known = cache.get(hash);
    if (known !== undefined || wasm === null) {
      return known ?? null;
    }
    return (await hashOf(wasm)) === hash ? cache.compile(hash, wasm) : null;
  };
  return {
    serve: (port) => {
      port.listen((ask) => {
        const { id } = ask;
        // What fails here, for want of memory say, the sandbox tries itself.
        resultFor(ask)
          .then((result) => port.post({ id, result }))
          .catch(() => port.post({ id, result: null }));
      });
    },
  };
}
