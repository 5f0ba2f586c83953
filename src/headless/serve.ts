import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import process from 'node:process';
import { createSimNetwork } from '../sim/sim-network.ts';
import type { SimNetwork } from '../sim/sim-network.ts';
import { defaultNetworkSpec, parseNetworkSpec } from '../wire/network-spec.ts';
import { bytesToHex } from '../base/hex.ts';
import { parseArguments } from './arguments.ts';

const USAGE = `npm run serve -- [options]
Runs a subnet in this process in real time and answers the Internet Computer's HTTP interface on
loopback, for agents, command-line tools and tests.
  --port P       port to listen on (default 4943; 0 = any free one)
  --nodes N      nodes of the subnet, 1 to 40 (default 4)
  --seed TEXT    keys of the network follow from it (default "subnetarium")
  --pace NAME    mainnet, classroom or turbo (default turbo)
  --json         print one JSON line once it listens: {url, rootKey, subnetId, nodes}
  --help`;

/** A body above this is refused before it is read on. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const NS_PER_MS = 1_000_000n;

/** The whole body, or null as soon as it is too large; the rest is then read and thrown away. */
function readBody(request: IncomingMessage): Promise<Uint8Array | null> {
  const parts: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size <= MAX_BODY_BYTES) {
        parts.push(part);
      } else {
        parts.length = 0;
        resolve(null);
      }
    });
    request.once('end', () => {
      resolve(new Uint8Array(Buffer.concat(parts)));
    });
    request.once('error', reject);
  });
}

function allowBrowsers(response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-methods', 'GET, POST, OPTIONS');
  response.setHeader('access-control-allow-headers', 'content-type');
}

async function answer(
  network: SimNetwork,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  allowBrowsers(response);
  const method = request.method ?? 'GET';
  if (method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  const body = await readBody(request);
  if (body === null) {
    response.writeHead(413, { 'content-type': 'text/plain', connection: 'close' });
    response.end('The request is too large.');
    return;
  }
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
  });
  const url = new URL(request.url ?? '/', 'http://loopback');
  const withBody = method === 'GET' || method === 'HEAD' ? {} : { body: body.slice() };
  const reply = await network.fetch(url, { method, signal: gone.signal, ...withBody });
  const contentType = reply.headers.get('content-type') ?? 'application/octet-stream';
  response.writeHead(reply.status, { 'content-type': contentType });
  response.end(new Uint8Array(await reply.arrayBuffer()));
}

/** Listens on loopback only: the network is a toy with keys from a seed. */
function listen(network: SimNetwork, port: number): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    answer(network, request, response).catch((error: unknown) => {
      if (!response.headersSent) {
        response.writeHead(500, { 'content-type': 'text/plain' });
      }
      response.end(error instanceof Error ? error.message : 'failed');
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve({ server, port: typeof address === 'object' ? (address?.port ?? port) : port });
    });
  });
}

async function serve(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2), {
    port: 'natural',
    nodes: 'natural',
    seed: 'text',
    pace: 'text',
    json: 'flag',
    help: 'flag',
  });
  if (!parsed.ok) {
    process.stderr.write(`${parsed.message}\n${USAGE}\n`);
    return 2;
  }
  const { options } = parsed;
  if (options.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const base = defaultNetworkSpec({ nodes: options.nodes ?? 4 });
  const spec = parseNetworkSpec({
    ...base,
    seed: options.seed ?? base.seed,
    pace: options.pace ?? base.pace,
  });
  if (!spec.ok) {
    process.stderr.write(`${spec.error.message}\n`);
    return 2;
  }
  const network = createSimNetwork(spec.value, {
    startNs: BigInt(Date.now()) * NS_PER_MS,
    drive: 'realTime',
    traceHash: false,
  });
  const { server, port } = await listen(network, options.port ?? 4943);
  const url = `http://127.0.0.1:${port}`;
  const [subnet] = network.topology().subnets;
  if (options.json === true) {
    const facts = {
      url,
      rootKey: bytesToHex(network.rootKey()),
      subnetId: subnet?.subnetId,
      nodes: subnet?.nodes.length,
    };
    process.stdout.write(`${JSON.stringify(facts)}\n`);
  } else {
    process.stdout.write(`A subnet of ${subnet?.nodes.length} nodes answers at ${url}\n`);
  }
  return new Promise((resolve) => {
    const stop = (): void => {
      server.closeAllConnections();
      server.close();
      void network.close().then(() => {
        resolve(0);
      });
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

serve().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
