import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const MIME_TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.did': 'text/plain; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mo': 'text/plain; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};
/** What vite names by content: assets/<name>-<8 characters of hash>.<extension>. */
const HASHED_ASSET = /\/assets\/[^/]*-[\w-]{8}\.\w+$/;

/** The file a request path names below `directory`; undefined when it names none or leaves it. */
export function resolveRequest(directory, url) {
  let path;
  try {
    path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return undefined;
  }
  if (path.includes('\0') || path.split(/[/\\]/).some((part) => part.startsWith('.'))) {
    return undefined;
  }
  const file = normalize(join(directory, path.endsWith('/') ? `${path}index.html` : path));
  if (!file.startsWith(normalize(directory) + sep)) {
    return undefined;
  }
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? file : undefined;
}

/** An http.Server that serves the files below `directory`, read-only. */
export function createStaticServer(directory) {
  return createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    const file = resolveRequest(directory, request.url ?? '/');
    if (file === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('Not found\n');
      return;
    }
    response.writeHead(200, {
      'content-type': MIME_TYPES[extname(file)] ?? 'application/octet-stream',
      'content-length': statSync(file).size,
      'cache-control': HASHED_ASSET.test(file.split(sep).join('/'))
        ? 'public, max-age=31536000, immutable'
        : 'no-cache',
      'x-content-type-options': 'nosniff',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
  });
}

/** Listens on localhost at `port`, or when it is taken (and `strict` is off) on the next free one. */
export function listen(server, port, { strict = false } = {}) {
  return new Promise((done, fail) => {
    let candidate = port;
    server.on('error', (error) => {
      if (error.code === 'EADDRINUSE' && !strict && candidate - port < 100) {
        candidate += 1;
        server.listen(candidate, 'localhost');
      } else {
        fail(error);
      }
    });
    server.on('listening', () => done(server.address().port));
    server.listen(candidate, 'localhost');
  });
}
