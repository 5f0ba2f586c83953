import { HttpAgent } from '@icp-sdk/core/agent';
import type { JSHandle, Page } from 'playwright-core';
import type { Network } from '../../src/wire/network.ts';
import { exposeNetwork } from './page-globals.ts';

const READY_TIMEOUT_MS = 180_000;

/** The page makes the request with its own `fetch`-shaped function; bodies cross as bytes. */
export function fetchThrough(handle: Pick<JSHandle<Network>, 'evaluate'>): Network['fetch'] {
  return async (input, init) => {
    const request = new Request(input, init);
    request.signal.throwIfAborted();
    const body = new Uint8Array(await request.arrayBuffer());
    const sent = {
      url: request.url,
      method: request.method,
      headers: [...request.headers],
      body: request.method === 'GET' ? null : body,
    };
    const answer = await handle.evaluate(async (network, { url, ...rest }) => {
      try {
        const response = await network.fetch(url, { ...rest, headers: [...rest.headers] });
        const content = new Uint8Array(await response.arrayBuffer());
        const { status, statusText } = response;
        return { status, statusText, headers: [...response.headers], content };
      } catch (error) {
        return { failure: error instanceof TypeError ? error.message : String(error) };
      }
    }, sent);
    if ('failure' in answer) {
      throw new TypeError(answer.failure);
    }
    const { content, ...facts } = answer;
    return new Response(content.length === 0 ? null : content, facts);
  };
}

/** An unmodified agent in this process, with all its checks, of the network that the page shows. */
export async function agentOfPage(page: Page): Promise<HttpAgent> {
  await page.waitForFunction(exposeNetwork, null, { timeout: READY_TIMEOUT_MS });
  const handle = await page.evaluateHandle(() => {
    if (window.networkUnderTest === undefined) {
      throw new ReferenceError('the page has no network');
    }
    return window.networkUnderTest;
  });
  return HttpAgent.create({
    host: 'http://page.test',
    fetch: fetchThrough(handle),
    rootKey: await handle.evaluate((network) => network.rootKey()),
    verifyQuerySignatures: true,
  });
}

/** Ends the renderer process of a page, as a killed browser does: nothing in it can say goodbye. */
export async function crashPage(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const dead = page.waitForEvent('crash');
  // No answer comes from a process that is gone.
  session.send('Page.crash').catch(() => undefined);
  await dead;
  await page.close();
}
