import type { ChangeAction } from '../artifact-pool/change-action.ts';
import { addToValidated, NO_MUTATIONS } from '../artifact-pool/change-action.ts';
import { makeCertificationShares } from '../certification/certifier.ts';
import type { RoleContext } from '../consensus/role-context.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import type { Height } from '../types/ids.ts';
import { certificationSignedBytes } from '../types/signed-bytes.ts';
import type { Attack } from './attack.ts';
import { wrongHash } from './wrong-hash.ts';

function lie({ crypto }: RoleContext, action: ChangeAction): readonly ChangeAction[] {
  if (action.kind !== 'addToValidated' || action.artifact.kind !== 'certificationShare') {
    return [action];
  }
  const root = wrongHash(action.artifact.root);
  const signature = crypto
    .at(action.artifact.height)
    .signThreshold('high', certificationSignedBytes(root));
  return signature === undefined
    ? []
    : [addToValidated(sealArtifact<'certificationShare'>({ ...action.artifact, root, signature }))];
}

/**
 * Certifies a state root that nobody computed. Defence: n − f shares on one root are needed, and
 * every node only combines shares on the root it computed itself.
 */
export function wrongCertification(): Attack {
  let lastHeight: Height = 0;
  return {
    roles: new Map([
      [
        makeCertificationShares,
        (context, honest) => {
          const latest = context.state.latestStateHeight();
          if (latest <= lastHeight) {
            return NO_MUTATIONS;
          }
          lastHeight = latest;
          const lied = (height: Height): boolean =>
            context.pool.validated
              .at('certificationShare', height)
              .some((share) => share.signer === context.nodeId);
          return honest(context)
            .filter((action) => action.kind !== 'addToValidated' || !lied(action.artifact.height))
            .flatMap((action) => lie(context, action));
        },
      ],
    ]),
  };
}
