import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Actor, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes } from '../../src/base/hex.ts';
import { managementCanister } from '../support/management.ts';
import { compileMotoko } from '../support/motoko.ts';

interface Served {
  readonly url: string;
  readonly rootKey: string;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) {
    throw new Error('the server has no standard output');
  }
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

describe('npm run serve', () => {
  let child: ChildProcess;
  let served: Served;

  beforeAll(async () => {
    const args = ['tools/headless.mjs', 'serve', '--port', '0', '--nodes', '4', '--json'];
    child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    served = JSON.parse(await firstLine(child)) as Served;
  }, 120_000);

  afterAll(async () => {
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  });

  it('answers an unmodified agent over HTTP in real time', async () => {
    const rootKey = hexToBytes(served.rootKey) ?? new Uint8Array(0);
    const agent = await HttpAgent.create({ host: served.url, rootKey });
    const anywhere = Principal.fromUint8Array(
      hexToBytes('00000000000000000101') ?? new Uint8Array(0),
    );
    const management = managementCanister(agent, anywhere);
    const { canister_id } = await management.provisional_create_canister_with_cycles({
      amount: [],
      settings: [],
      specified_id: [],
    });
    const { wasm } = await compileMotoko(
      'persistent actor { public query func hello(name : Text) : async Text { "Hello, " # name } }',
    );
    await management.install_code({
      mode: { install: null },
      canister_id,
      wasm_module: wasm,
      arg: new Uint8Array(IDL.encode([], [])),
    });
    const hello = Actor.createActor<{ hello(name: string): Promise<string> }>(
      () => IDL.Service({ hello: IDL.Func([IDL.Text], [IDL.Text], ['query']) }),
      { agent, canisterId: canister_id },
    );
    expect(await hello.hello('subnet')).toBe('Hello, subnet');
  }, 120_000);

  it('refuses an oversized body and unknown paths, and tells its root key', async () => {
    const large = await fetch(`${served.url}/api/v2/canister/aaaaa-aa/call`, {
      method: 'POST',
      body: new Uint8Array(7 * 1024 * 1024),
    }).then(
      (reply) => reply.status,
      () => 413,
    );
    expect(large).toBe(413);
    expect((await fetch(`${served.url}/nowhere`)).status).toBe(404);
    const status = new Uint8Array(await (await fetch(`${served.url}/api/v2/status`)).arrayBuffer());
    expect(Buffer.from(status).toString('hex')).toContain(served.rootKey);
  });
});
