import type { SignatureTrust } from '../crypto/canister-signature.ts';
import type { LabeledTree } from '../crypto/labeled-tree.ts';
import type { SandboxTask } from '../execution/run-on-sandbox.ts';
import type { UserError } from '../execution/user-error.ts';
import type { CallerInfo } from '../interfaces/wasm-host.ts';
import type { NodeCrypto } from '../interfaces/crypto.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { ReplicatedState } from '../replicated-state/replicated-state.ts';
import type { SubnetDelegation } from './subnet-delegation.ts';
import type { SubnetType } from '../types/genesis.ts';
import type { CanisterId, Height, PrincipalId, SubnetId, TimeNs } from '../types/ids.ts';

/** How a route's certificates show canister ranges: the deprecated routes in one leaf. */
export type RangesForm = 'flat' | 'sharded';

/** The newest height whose state root carries the subnet's signature: what reads and queries see. */
export interface CertifiedState {
  readonly height: Height;
  readonly state: ReplicatedState;
  readonly tree: LabeledTree;
  /** Threshold signature on the root of `tree`, 48 bytes. */
  readonly signature: Uint8Array;
}

export interface QueryCall {
  readonly sender: PrincipalId;
  readonly canisterId: CanisterId;
  readonly methodName: string;
  readonly arg: Uint8Array;
  /** Of the caller, if a canister vouches for it. */
  readonly callerInfo?: CallerInfo | undefined;
  /** Certificate for `ic0.data_certificate_copy`, in the flavour of the query's route. */
  readonly dataCertificate: Uint8Array;
  /** That flavour; absent on the root subnet, where there is one only. */
  readonly ranges?: RangesForm | undefined;
}

export type QueryOutcome =
  | { readonly kind: 'replied'; readonly reply: Uint8Array }
  | { readonly kind: 'rejected'; readonly error: UserError };

/** What the HTTP interface of a replica needs of its node. */
export interface ReplicaContext {
  readonly nowNs: TimeNs;
  readonly subnetId: SubnetId;
  readonly subnetType: SubnetType;
  readonly crypto: NodeCrypto;
  readonly rootKeyDer: Uint8Array;
  /** For canister signatures of users. */
  readonly trust: SignatureTrust;
  /** Undefined until the first certification of this node. */
  readonly certified: CertifiedState | undefined;
  /** The root subnet's word for this one: undefined until it was fetched, null on the root itself. */
  readonly delegation: SubnetDelegation | null | undefined;
  executeQuery(certified: CertifiedState, query: QueryCall): SandboxTask<QueryOutcome>;
  /** Ingress filter on the newest state: canister runs, may be asked, accepts the message. */
  inspectIngress(certified: CertifiedState, message: SignedIngress): SandboxTask<UserError | null>;
}
