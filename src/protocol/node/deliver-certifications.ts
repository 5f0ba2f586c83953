import type { CertifiedRoot } from '../certification/certifier.ts';
import type { TraceEvent } from '../interfaces/trace.ts';
import type { StateManager } from '../state-manager/state-manager.ts';

/**
 * Gives the state manager certifications of executed heights.
 * @returns what became of them; a height counts as certified once the state manager took it, in order
 */
export function deliverCertifications(
  stateManager: Pick<StateManager, 'deliverCertification'>,
  certifications: readonly CertifiedRoot[],
): readonly TraceEvent[] {
  return certifications.flatMap(({ height, root, signature }): readonly TraceEvent[] => {
    switch (stateManager.deliverCertification(height, root, signature)) {
      case 'accepted':
        return [{ kind: 'certified', height, root }];
      case 'diverged': {
        const message = `height ${height}: the subnet certified another state`;
        return [{ kind: 'criticalError', code: 'STATE_DIVERGED', message }];
      }
      case 'notNeeded':
        return [];
    }
  });
}
