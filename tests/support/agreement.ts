import type { SimNetwork } from '../../src/sim/sim-network.ts';

/**
 * Lets time pass until all nodes of the first subnet stand at one height with one state root: at a
 * given moment a node may just be a block ahead. False when that does not come within 20 s.
 */
export function comeToAgree(network: SimNetwork): boolean {
  const nodes = network.topology().subnets[0]?.nodes ?? [];
  const agree = (): boolean => {
    const [first, ...others] = nodes.map(({ nodeId }) => network.heightsOf(nodeId));
    return others.every(
      (other) =>
        other.heights.executed === first?.heights.executed && other.stateRoot === first.stateRoot,
    );
  };
  return nodes.length > 1 && network.runUntil(agree, 20_000);
}
