/**
 * The machine could not do what the protocol's limits allow (no memory left, a Wasm memory budget
 * used up): not the canister's fault, so no result may be derived from it. The node stops.
 */
export class HostFault extends Error {
  override readonly name = 'HostFault';
}
