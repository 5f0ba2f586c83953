import { addToValidated } from '../artifact-pool/change-action.ts';
import { makeCatchUpPackageShare } from '../consensus/catch-up-package-maker.ts';
import { sealArtifact } from '../types/artifact-codec.ts';
import { catchUpSignedBytes } from '../types/signed-bytes.ts';
import type { Attack } from './attack.ts';
import { wrongHash } from './wrong-hash.ts';

/**
 * Vouches in catch-up packages for a checkpoint that does not exist. Defence: the package needs
 * n − f shares on one content, and a node whose own checkpoint differs would notice.
 */
export function wrongCatchUpPackage(): Attack {
  return {
    roles: new Map([
      [
        makeCatchUpPackageShare,
        (context, honest) =>
          honest(context).flatMap((action) => {
            if (
              action.kind !== 'addToValidated' ||
              action.artifact.kind !== 'catchUpPackageShare'
            ) {
              return [action];
            }
            const lie = { ...action.artifact, stateHash: wrongHash(action.artifact.stateHash) };
            const signature = context.crypto
              .at(lie.height)
              .signThreshold('high', catchUpSignedBytes(lie));
            return signature === undefined
              ? []
              : [addToValidated(sealArtifact<'catchUpPackageShare'>({ ...lie, signature }))];
          }),
      ],
    ]),
  };
}
