import { present } from '../../base/assert.ts';
import type { SandboxRequest } from '../../protocol/interfaces/wasm-host.ts';
import type { CanisterId } from '../../protocol/types/ids.ts';
import type { SandboxClient } from './sandbox-client.ts';

/** One sandbox worker of several. */
interface Member {
  readonly client: SandboxClient;
  /** Canisters whose memories it holds. */
  canisters: number;
  /** Requests that it has not answered. */
  open: number;
}

/**
 * Several sandbox workers as one. A canister stays with the worker that its first request went to,
 * which then holds its memory: the worker with the fewest canisters. What threads of a round ask at
 * the same time runs at the same time when their canisters are with different workers. Each worker
 * starts with its first request and is replaced alone.
 * @param clients at least one
 */
export function createSandboxPool(clients: readonly SandboxClient[]): SandboxClient {
  const members = clients.map((client): Member => ({ client, canisters: 0, open: 0 }));
  const homes = new Map<CanisterId, Member>();

  const homeOf = (canisterId: CanisterId): Member => {
    const known = homes.get(canisterId);
    if (known !== undefined) {
      return known;
    }
    const home = least(members, ({ canisters }) => canisters);
    home.canisters += 1;
    homes.set(canisterId, home);
    return home;
  };
  const memberFor = (request: SandboxRequest): Member =>
    request.kind === 'compile' ? least(members, ({ open }) => open) : homeOf(request.canisterId);
  const leaveHome = (canisterId: CanisterId, home: Member): void => {
    if (homes.get(canisterId) === home) {
      homes.delete(canisterId);
      home.canisters -= 1;
    }
  };

  return {
    request: (request, onReply) => {
      const member = memberFor(request);
      member.open += 1;
      member.client.request(request, (reply) => {
        member.open -= 1;
        if (request.kind === 'forget') {
          leaveHome(request.canisterId, member);
        }
        onReply(reply);
      });
    },
    running: () => members.reduce((sum, { client }) => sum + client.running(), 0),
    close: () => {
      for (const { client } of members) {
        client.close();
      }
    },
  };
}

/** The first of those with the lowest number. */
function least(members: readonly Member[], numberOf: (member: Member) => number): Member {
  const lowest = Math.min(...members.map(numberOf));
  return present(
    members.find((member) => numberOf(member) === lowest),
    'a pool has a member',
  );
}
