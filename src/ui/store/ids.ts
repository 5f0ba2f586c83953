import type { BlockView, CanisterView, NodeView } from '../../wire/projection.ts';

export type NodeId = NodeView['nodeId'];
export type HashHex = BlockView['facts']['hash'];
export type CanisterHex = CanisterView['facts']['canisterId'];
