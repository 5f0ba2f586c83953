import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../base/utf8.ts';
import { canisterIdFromU64, principalToText } from '../../protocol/crypto/principal.ts';
import type { HttpReply } from '../../protocol/node/node-io.ts';
import type { SubnetId } from '../../protocol/types/ids.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import { createFetchShim } from './fetch-shim.ts';
import { createGateway, GATEWAY_LIMITS } from './gateway.ts';
import type { GatewayReply, GatewayRequest, NodeToGateway, PortLike } from './messages.ts';

/** Two ends of a port; what one posts the other gets at once. */
function createPortPair<A, B>(): readonly [PortLike<A, B>, PortLike<B, A>] {
  let toFirst: ((message: A) => void) | undefined;
  let toSecond: ((message: B) => void) | undefined;
  return [
    {
      post: (message) => toSecond?.(message),
      listen: (handler) => {
        toFirst = handler;
      },
      close: () => {
        toSecond = undefined;
      },
    },
    {
      post: (message) => toFirst?.(message),
      listen: (handler) => {
        toSecond = handler;
      },
      close: () => {
        toFirst = undefined;
      },
    },
  ];
}

const SUBNETS = ['01', '02'] as const as readonly [SubnetId, SubnetId];
const RANGE = 1n << 20n;

const TWO_SUBNETS: NetworkTopology = {
  rootSubnetId: SUBNETS[0],
  subnets: SUBNETS.map((subnetId, index) => ({
    subnetId,
    subnetType: index === 0 ? 'system' : 'application',
    publicKeyDer: new Uint8Array(),
    nodes: [],
  })),
  routingTable: SUBNETS.map((subnetId, index) => ({
    first: BigInt(index) * RANGE,
    last: BigInt(index + 1) * RANGE - 1n,
    subnetId,
  })),
};

type Answer = (request: GatewayRequest & { readonly kind: 'request' }) => HttpReply | 'silence';

const text = (status: number, body: string): HttpReply => ({
  status,
  contentType: 'text/plain',
  body: encodeUtf8(body),
});

function createSubject(limits = {}) {
  let tasks: { readonly delayMs: number; readonly task: () => void }[] = [];
  const gateway = createGateway(
    {
      set: (delayMs, task) => {
        const entry = { delayMs, task };
        tasks.push(entry);
        return entry;
      },
      clear: (handle) => {
        tasks = tasks.filter((entry) => entry !== handle);
      },
    },
    { ...GATEWAY_LIMITS, ...limits },
  );
  const [client, served] = createPortPair<GatewayReply, GatewayRequest>();
  gateway.serve(served);
  const shim = createFetchShim(client);
  const seen: string[] = [];
  const addNode = (nodeId: string, answer: Answer, subnetId = SUBNETS[0]) => {
    const [gatewayEnd, nodeEnd] = createPortPair<NodeToGateway, GatewayRequest>();
    gateway.addNode(nodeId, gatewayEnd, subnetId);
    nodeEnd.listen((message) => {
      if (message.kind === 'cancel') {
        seen.push(`${nodeId} cancel`);
        return;
      }
      seen.push(`${nodeId} ${message.request.method} ${message.request.path}`);
      const reply = answer(message);
      if (reply !== 'silence') {
        nodeEnd.post({ kind: 'reply', id: message.id, reply });
      }
    });
    return {
      health: (certifiedHeight: number) => nodeEnd.post({ kind: 'health', certifiedHeight }),
    };
  };
  const expire = (): void => {
    for (const { task } of tasks.filter((entry) => entry.delayMs > 0)) {
      task();
    }
  };
  return { gateway, shim, seen, addNode, expire };
}

const URL_OF = (canister: string): string => `https://any.host/api/v3/canister/${canister}/query`;

describe('gateway', () => {
  it('answers through the standard fetch signature with a real Response', async () => {
    const { shim, addNode } = createSubject();
    addNode('a', ({ request }) => text(202, `${request.method} ${decodeUtf8(request.body)}`));
    const response = await shim.fetch(new URL(URL_OF('c')), { method: 'POST', body: 'hello' });
    expect(response).toBeInstanceOf(Response);
    expect(response.status).toBe(202);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe('POST hello');
  });

  it('takes a Request and passes bytes on unchanged', async () => {
    const { shim, addNode } = createSubject();
    addNode('a', ({ request }) => ({ ...text(200, ''), body: request.body }));
    const body = Uint8Array.from([0, 1, 255, 128]);
    const response = await shim.fetch(new Request(URL_OF('c'), { method: 'POST', body }));
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
  });

  it('sends one canister to the same node and spreads canisters over nodes', async () => {
    const { shim, seen, addNode } = createSubject();
    for (const node of ['a', 'b', 'c', 'd']) {
      addNode(node, () => text(200, node));
    }
    const first = await (await shim.fetch(URL_OF('x'))).text();
    expect(await (await shim.fetch(URL_OF('x'))).text()).toBe(first);
    for (let i = 0; i < 40; i += 1) {
      await shim.fetch(URL_OF(`canister-${i}`));
    }
    expect(new Set(seen.map((line) => line.split(' ')[0])).size).toBe(4);
  });

  it('tries another node when one answers with a server error', async () => {
    const { shim, seen, addNode } = createSubject();
    addNode('a', () => text(500, 'broken'));
    addNode('b', () => text(500, 'broken'));
    addNode('c', () => text(200, 'fine'));
    for (let i = 0; i < 10; i += 1) {
      expect((await shim.fetch(URL_OF(`canister-${i}`))).status).toBe(200);
    }
    expect(seen.length).toBeGreaterThan(10);
  });

  it('does not repeat what the client did wrong', async () => {
    const { shim, seen, addNode } = createSubject();
    addNode('a', () => text(400, 'malformed'));
    addNode('b', () => text(400, 'malformed'));
    expect((await shim.fetch(URL_OF('c'))).status).toBe(400);
    expect(seen.length).toBe(1);
  });

  it('moves open requests on when their node dies', async () => {
    const { gateway, shim, seen, addNode } = createSubject();
    addNode('a', () => 'silence');
    const answer = shim.fetch(URL_OF('c'), { method: 'POST', body: 'call' });
    await new Promise((resolve) => setTimeout(resolve));
    expect(seen.length).toBe(1);
    addNode('b', () => text(200, 'from b'));
    gateway.removeNode('a');
    expect(await (await answer).text()).toBe('from b');
  });

  it('tells a node to stop and asks the next one when it takes too long', async () => {
    const { shim, seen, addNode, expire } = createSubject({ maxAttempts: 1 });
    addNode('a', () => 'silence');
    const answer = shim.fetch(URL_OF('c'));
    await new Promise((resolve) => setTimeout(resolve));
    expire();
    expect((await answer).status).toBe(504);
    expect(seen.at(-1)).toBe('a cancel');
  });

  it('prefers nodes that keep up', async () => {
    const { shim, addNode } = createSubject();
    const behind = addNode('a', () => text(200, 'a'));
    const ahead = addNode('b', () => text(200, 'b'));
    behind.health(10);
    ahead.health(500);
    for (let i = 0; i < 10; i += 1) {
      expect(await (await shim.fetch(URL_OF(`canister-${i}`))).text()).toBe('b');
    }
  });

  it('says so when no node runs, when a body is too large and when too much is open', async () => {
    const { shim, addNode } = createSubject({ maxBodyBytes: 3, maxOpenRequests: 1 });
    const none = await shim.fetch(URL_OF('c'));
    expect(none.status).toBe(503);
    expect(await none.text()).toContain('no_healthy_nodes');
    addNode('a', () => 'silence');
    expect((await shim.fetch(URL_OF('c'), { method: 'POST', body: 'four' })).status).toBe(413);
    void shim.fetch(URL_OF('c')).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve));
    expect((await shim.fetch(URL_OF('c'))).status).toBe(429);
  });

  it('cancels at the node what the client aborted', async () => {
    const { shim, seen, addNode } = createSubject();
    addNode('a', () => 'silence');
    const controller = new AbortController();
    const answer = shim.fetch(URL_OF('c'), { signal: controller.signal });
    const outcome = expect(answer).rejects.toThrow(/abort/i);
    await new Promise((resolve) => setTimeout(resolve));
    controller.abort();
    await outcome;
    expect(seen.at(-1)).toBe('a cancel');
  });

  it('fails open and later requests once closed', async () => {
    const { shim, addNode } = createSubject();
    addNode('a', () => 'silence');
    const outcome = expect(shim.fetch(URL_OF('c'))).rejects.toBeInstanceOf(TypeError);
    await new Promise((resolve) => setTimeout(resolve));
    shim.close();
    await outcome;
    await expect(shim.fetch(URL_OF('c'))).rejects.toBeInstanceOf(TypeError);
  });

  it('asks nodes of the subnet that hosts the canister, and no others', async () => {
    const { gateway, shim, seen, addNode } = createSubject();
    gateway.setTopology(TWO_SUBNETS);
    for (const [index, subnetId] of SUBNETS.entries()) {
      for (const node of ['a', 'b']) {
        addNode(`${index}${node}`, () => text(500, 'broken'), subnetId);
      }
    }
    for (const index of [0, 1]) {
      seen.length = 0;
      const id = principalToText(canisterIdFromU64(BigInt(index) * RANGE + 5n));
      expect((await shim.fetch(URL_OF(id))).status).toBe(500);
      expect(seen.map((line) => line.slice(0, 2)).toSorted()).toEqual([`${index}a`, `${index}b`]);
    }
  });

  it('refuses what no subnet hosts, and a subnet without nodes, in the words of the IC', async () => {
    const { gateway, shim, seen, addNode } = createSubject();
    gateway.setTopology(TWO_SUBNETS);
    addNode('a', () => text(200, 'a'), SUBNETS[0]);
    const nowhere = await shim.fetch(URL_OF(principalToText(canisterIdFromU64(9n * RANGE))));
    expect(nowhere.status).toBe(400);
    expect(await nowhere.text()).toContain('error: canister_not_found');
    const down = await shim.fetch(URL_OF(principalToText(canisterIdFromU64(RANGE))));
    expect(down.status).toBe(503);
    expect(await down.text()).toContain('error: no_healthy_nodes');
    expect(seen).toEqual([]);
  });

  it('compares heights within a subnet, and lets the root subnet tell the status', async () => {
    const { gateway, shim, addNode } = createSubject();
    gateway.setTopology(TWO_SUBNETS);
    const root = ['a', 'b'].map((node) => addNode(node, () => text(200, node), SUBNETS[0]));
    addNode('far ahead', () => text(200, 'c'), SUBNETS[1]).health(10_000);
    root[0]?.health(10);
    root[1]?.health(100);
    expect(await (await shim.fetch('http://x/api/v2/status')).text()).toBe('b');
    gateway.removeNode('a');
    gateway.removeNode('b');
    expect(await (await shim.fetch('http://x/api/v2/status')).text()).toBe('c');
  });
});
