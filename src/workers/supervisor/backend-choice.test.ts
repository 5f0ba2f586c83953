import { describe, expect, it } from 'vitest';
import curvesPackage from '../../../node_modules/@noble/curves/package.json' with { type: 'json' };
import mclPackage from '../../../node_modules/mcl-wasm/package.json' with { type: 'json' };
import { ok } from '../../base/result.ts';
import { createNobleBls } from '../../protocol/crypto/bls-noble.ts';
import type { BlsSuite } from '../../protocol/crypto/suite.ts';
import type { BackendTimes, SignatureBackendChoice } from '../../wire/network.ts';
import type { SignatureBackend } from '../../wire/network-spec.ts';
import { fasterBackend, MEASURED_LIBRARIES } from '../crypto/backend-times.ts';
import { chooseBackend } from '../crypto/choose-backend.ts';
import { measureBackends } from '../crypto/measure-backends.ts';
import { chooseSignatureBackend } from './backend-choice.ts';
import { createBackendMemory, type TextStore } from './backend-memory.ts';

const noble = createNobleBls();
const QUICK: BackendTimes = { mclMs: 2, nobleMs: 9 };

/** A browser whose clock a library moves by as much as it is said to take. */
function pretendLibraries(mclMs: (round: number) => number) {
  let nowMs = 0;
  const calls: string[] = [];
  const mcl: BlsSuite = {
    ...noble,
    name: 'mcl-bls12-381',
    sign: (key, message) => {
      calls.push('sign');
      return noble.sign(key, message);
    },
    verify: (key, message, signature) => {
      nowMs += mclMs(calls.length - 1);
      return noble.verify(key, message, signature);
    },
  };
  return { mcl, calls, deps: { stopwatchMs: () => nowMs, loadMcl: () => Promise.resolve(mcl) } };
}

describe('measuring', () => {
  it('tells apart who is slow, and does not go on for long', async () => {
    const { deps, calls } = pretendLibraries(() => 100);
    const times = await measureBackends(deps);
    expect(times).toEqual({ mclMs: 100, nobleMs: 0 });
    expect(fasterBackend(times)).toBe('noble');
    expect(calls.length, 'a warm-up and the least rounds').toBe(5);
  });

  it('is not misled by what else keeps the processor busy', async () => {
    const { deps } = pretendLibraries((round) => (round === 3 ? 2 : 80));
    expect(await measureBackends(deps)).toEqual({ mclMs: 2, nobleMs: 0 });
  });

  it('really runs both', async () => {
    const times = await measureBackends({ stopwatchMs: () => performance.now() });
    expect(times.mclMs).toBeGreaterThan(0);
    expect(times.nobleMs).toBeGreaterThan(0);
  });

  it('names the versions that are installed', () => {
    const installed = `mcl-wasm ${mclPackage.version}, @noble/curves ${curvesPackage.version}`;
    expect(MEASURED_LIBRARIES).toBe(installed);
  });
});

describe('choosing', () => {
  const { deps } = pretendLibraries(() => 0);
  const blocked = { ...deps, loadMcl: () => Promise.resolve(undefined) };
  it.each<[SignatureBackend, typeof deps | typeof blocked, Partial<SignatureBackendChoice>]>([
    ['mcl', deps, { library: 'mcl', chosenBy: 'spec', times: null }],
    ['noble', deps, { library: 'noble', chosenBy: 'spec', times: null }],
    ['measured', deps, { library: 'mcl', chosenBy: 'measurement' }],
    ['measured', pretendLibraries(() => 50).deps, { library: 'noble', chosenBy: 'measurement' }],
    ['mcl', blocked, { library: 'noble', chosenBy: 'fallback', times: null }],
    ['measured', blocked, { library: 'noble', chosenBy: 'fallback' }],
  ])('wants %s', async (wanted, library, expected) => {
    const { choice, suite } = await chooseBackend(wanted, library);
    expect(choice).toMatchObject(expected);
    expect(suite.bls.name).toBe(`${choice.library}-bls12-381`);
  });
});

function mapStore(entries = new Map<string, string>()): TextStore {
  return {
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => entries.set(key, value),
  };
}

describe('one choice for a network', () => {
  function subject(answer: SignatureBackendChoice, store: TextStore | null = mapStore()) {
    const said: string[] = [];
    const choose = (wanted: SignatureBackend) =>
      chooseSignatureBackend(wanted, {
        memory: createBackendMemory(store, 'here'),
        ask: (asked) => {
          said.push(`ask ${asked}`);
          return Promise.resolve(ok(answer));
        },
        prepare: (library) => said.push(`prepare ${library}`),
      });
    return { said, choose };
  }
  const measured: SignatureBackendChoice = {
    library: 'mcl',
    chosenBy: 'measurement',
    times: QUICK,
  };

  it('is measured at the first start and remembered at the next, when nodes need not wait', async () => {
    const { said, choose } = subject(measured);
    expect(await choose('measured')).toEqual(ok(measured));
    expect(said.splice(0)).toEqual(['ask measured', 'prepare mcl']);
    expect(await choose('measured')).toEqual(ok(measured));
    expect(said).toEqual(['prepare mcl', 'ask mcl']);
  });

  it('is what the spec says, and no measurement', async () => {
    const answer: SignatureBackendChoice = { library: 'noble', chosenBy: 'spec', times: null };
    const { said, choose } = subject(answer);
    expect(await choose('noble')).toEqual(ok(answer));
    expect(said).toEqual(['prepare noble', 'ask noble']);
  });

  it('changes when the remembered library no longer runs', async () => {
    const store = mapStore();
    createBackendMemory(store, 'here').keep(QUICK);
    const fallback: SignatureBackendChoice = {
      library: 'noble',
      chosenBy: 'fallback',
      times: null,
    };
    const { said, choose } = subject(fallback, store);
    expect(await choose('measured')).toEqual(ok({ ...fallback, times: QUICK }));
    expect(said).toEqual(['prepare mcl', 'ask mcl', 'prepare noble']);
  });

  it('is not remembered where mcl does not run', async () => {
    const times: BackendTimes = { mclMs: null, nobleMs: 9 };
    const { said, choose } = subject({ library: 'noble', chosenBy: 'fallback', times });
    await choose('measured');
    await choose('measured');
    expect(said.filter((line) => line === 'ask measured').length).toBe(2);
  });

  it('is measured again for other versions, garbage and refusals of the browser', () => {
    const entries = new Map<string, string>();
    createBackendMemory(mapStore(entries), 'here').keep(QUICK);
    const [key] = entries.keys();
    expect(createBackendMemory(mapStore(entries), 'there').recall()).toBeUndefined();
    for (const garbage of ['', '{', 'null', '7', '{"subject":"here","mclMs":-1,"nobleMs":1}']) {
      entries.set(key as string, garbage);
      expect(createBackendMemory(mapStore(entries), 'here').recall(), garbage).toBeUndefined();
    }
    const refuse = () => {
      throw new TypeError('refused');
    };
    const refusing = createBackendMemory({ getItem: refuse, setItem: refuse }, 'here');
    refusing.keep(QUICK);
    expect(refusing.recall()).toBeUndefined();
    expect(createBackendMemory(null, 'here').recall()).toBeUndefined();
  });
});
