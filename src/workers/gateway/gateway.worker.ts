import type { SubnetId } from '../../protocol/types/ids.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import { createHostTimers } from '../clock/host-timers.ts';
import { exposeControl } from '../control/remote.ts';
import { createGateway } from './gateway.ts';
import {
  type GatewayReply,
  type GatewayRequest,
  type NodeToGateway,
  portLike,
} from './messages.ts';

const gateway = createGateway(createHostTimers());

const control = {
  /** A client's port: each one may ask for anything the HTTP interface offers. */
  serve: (port: MessagePort): void => gateway.serve(portLike<GatewayRequest, GatewayReply>(port)),
  setTopology: (topology: NetworkTopology): void => gateway.setTopology(topology),
  addNode: (port: MessagePort, nodeId: string, subnetId: SubnetId): void =>
    gateway.addNode(nodeId, portLike<NodeToGateway, GatewayRequest>(port), subnetId),
  removeNode: (nodeId: string): void => gateway.removeNode(nodeId),
};

export type GatewayControl = typeof control;

exposeControl(control);
