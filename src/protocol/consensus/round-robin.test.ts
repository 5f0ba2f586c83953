import { describe, expect, it } from 'vitest';
import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { createChangeLoop } from './change-loop.ts';
import type { Role } from './role-context.ts';
import { callNext } from './round-robin.ts';
import { fakeHash, RoleFixture } from './testing/role-fixture.ts';

const action = (height: number): ChangeAction => ({
  kind: 'removeFromUnvalidated',
  id: { kind: 'randomTape', height, hash: fakeHash(height) },
});

describe('round robin', () => {
  it('CN42: the first role with something to do wins, and the next call begins after it', () => {
    const context = new RoleFixture().context();
    const busy =
      (height: number): Role =>
      () => [action(height)];
    const roles: Role[] = [() => [], busy(1), busy(2), () => []];
    const answers: unknown[] = [];
    let cursor = 0;
    for (let i = 0; i < 4; i += 1) {
      const { mutations, next } = callNext(roles, cursor, context);
      answers.push(mutations[0]);
      cursor = next;
    }
    expect(answers).toEqual([action(1), action(2), action(1), action(2)]);
  });

  it('CN42: says so when nobody has anything to do', () => {
    const context = new RoleFixture().context();
    expect(callNext([() => [], () => []], 1, context)).toEqual({ mutations: [], next: 1 });
  });
});

describe('change loop', () => {
  it('CN42: makes one block at each reading of the clock, even with no delay at all', () => {
    const f = new RoleFixture(1, { initialNotaryDelayMs: 0 });
    const loop = createChangeLoop(f.pool);
    const follow = () => {
      f.chain.update(f.view);
      return [];
    };
    for (let height = 1; height <= 4; height += 1) {
      f.nowNs += 1n;
      f.state.certified = height - 1;
      const beforeEachCall = (): boolean => {
        f.wakes = [];
        return true;
      };
      const quiet = loop.run(f.context(), beforeEachCall, follow, { transmits: [], trace: [] });
      expect(quiet).toBe(true);
      expect(f.view.finalizedHeight()).toBe(height);
      expect(f.wakes).toEqual([f.nowNs + 1n]);
    }
  });
});
