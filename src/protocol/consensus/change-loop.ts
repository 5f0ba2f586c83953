import type { ArtifactPool, Transmit } from '../artifact-pool/artifact-pool.ts';
import { applyMutations } from '../artifact-pool/artifact-pool.ts';
import { NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import {
  aggregateCertifications,
  makeCertificationShares,
  validateCertifications,
} from '../certification/certifier.ts';
import { makeDealing } from '../dkg/dealing-maker.ts';
import { createDkgValidator } from '../dkg/dkg-validator.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import { MAX_STEPS_PER_POLL } from '../limits/consensus.ts';
import type { Adversary } from '../malicious/adversary.ts';
import { makeBlock } from './block-maker.ts';
import { makeCatchUpPackageShare } from './catch-up-package-maker.ts';
import { finalize } from './finalizer.ts';
import { notarize } from './notary.ts';
import { createPurger } from './purger.ts';
import { makeRandomBeaconShare } from './random-beacon-maker.ts';
import { makeRandomTapeShares } from './random-tape-maker.ts';
import type { Role, RoleContext } from './role-context.ts';
import { callNext } from './round-robin.ts';
import { aggregateShares } from './share-aggregator.ts';
import { traceOfApplied } from './trace-facts.ts';
import { validateBlockProposals } from './validator/block-proposal.ts';
import { validateCatchUpPackages } from './validator/catch-up-package.ts';
import { validateEquivocationProofs } from './validator/equivocation-proof.ts';
import { validateFinalizations } from './validator/finalization.ts';
import { validateNotarizations } from './validator/notarization.ts';
import { validateRandomBeacons } from './validator/random-beacon.ts';
import { validateRandomTapes } from './validator/random-tape.ts';

/** The order of the IC's change loop. */
function createConsensusRoles(): readonly Role[] {
  return [
    finalize,
    makeCatchUpPackageShare,
    aggregateShares,
    createPurger(),
    notarize,
    makeRandomBeaconShare,
    makeRandomTapeShares,
    makeBlock,
    validateRandomBeacons,
    validateNotarizations,
    validateFinalizations,
    validateBlockProposals,
    validateRandomTapes,
    validateEquivocationProofs,
    validateCatchUpPackages,
    makeDealing,
    createDkgValidator(),
  ];
}

/** A component of its own on the IC: it goes on while the registry halts consensus. */
const CERTIFICATION_ROLES: readonly Role[] = [
  validateCertifications,
  makeCertificationShares,
  aggregateCertifications,
];

const produceNothing: Role = () => NO_MUTATIONS;

/** What one run of the loop collects. */
export interface LoopOutput {
  readonly transmits: Transmit[];
  readonly trace: TraceEvent[];
}

export interface ChangeLoop {
  /**
   * Calls the roles in turn and applies what they answer until none has anything to do.
   * @param beforeEachCall runs before every turn; clears what only the last turn may say. False ends the run.
   * @param afterChange facts that follow from a change of the pool.
   * @returns false when it stopped at the step bound with work left.
   */
  run(
    context: RoleContext,
    beforeEachCall: () => boolean,
    afterChange: () => readonly TraceEvent[],
    output: LoopOutput,
  ): boolean;
}

/** @param adversary what a Byzantine node does instead of, and beside, its roles' honest work */
export function createChangeLoop(
  pool: ArtifactPool,
  adversary?: Pick<Adversary, 'isActive' | 'run' | 'produce'>,
): ChangeLoop {
  const honest = [...createConsensusRoles(), ...CERTIFICATION_ROLES];
  // Of equal length, so that turns go on where they were when a switch is set.
  const honestTurns = [...honest, produceNothing];
  const editedTurns =
    adversary === undefined
      ? honestTurns
      : [
          ...honest.map(
            (role): Role =>
              (context) =>
                adversary.run(role, context),
          ),
          (context: RoleContext) => adversary.produce(context),
        ];
  let cursor = 0;
  return {
    run: (context, beforeEachCall, afterChange, output) => {
      const allRoles = adversary?.isActive === true ? editedTurns : honestTurns;
      const roles = context.haltRegistry.newest().isHalted ? CERTIFICATION_ROLES : allRoles;
      cursor %= roles.length;
      // A role that keeps asking for what changes nothing may not spin: one idle turn of all ends it.
      let idleAnswers = 0;
      for (let step = 0; step < MAX_STEPS_PER_POLL; step += 1) {
        if (!beforeEachCall()) {
          return true;
        }
        const { mutations, next } = callNext(roles, cursor, context);
        cursor = next;
        if (mutations.length === 0 || idleAnswers === roles.length) {
          return true;
        }
        const { transmits, applied, pollAgain } = applyMutations(pool, mutations, context.nowNs);
        idleAnswers = pollAgain ? 0 : idleAnswers + 1;
        output.transmits.push(...transmits);
        output.trace.push(...traceOfApplied(applied, context.membership), ...afterChange());
      }
      return false;
    },
  };
}
