import type { BlockView, NodeView } from '../../wire/projection.ts';

export type NodeId = NodeView['nodeId'];
export type HashHex = BlockView['facts']['hash'];
