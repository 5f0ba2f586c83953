/** What a message of a scenario does, as data: the model interprets it, the universal canister runs it. */

export type Action =
  /** Remembers a number in the heap. */
  | { readonly kind: 'note'; readonly value: number }
  /** Adds to a counter in stable memory. */
  | { readonly kind: 'count'; readonly by: number }
  /** Takes cycles of the call, and notes how many. */
  | { readonly kind: 'accept'; readonly cycles: number }
  /** In callbacks: notes how many cycles came back. */
  | { readonly kind: 'refunded' }
  /** In callbacks: notes the reject code, 0 for a reply. */
  | { readonly kind: 'rejectCode' }
  | { readonly kind: 'reply'; readonly value: number }
  | { readonly kind: 'reject'; readonly value: number }
  | { readonly kind: 'trap' }
  | { readonly kind: 'unreachable' }
  | CallAction;

export interface CallAction {
  readonly kind: 'call';
  /** Place of a canister in the scenario, or a call that is answered in the next round. */
  readonly to: number | 'nextRound';
  readonly method: 'update' | 'query' | 'missing' | 'composite_query';
  readonly cycles: number;
  readonly body: readonly Action[];
  readonly onReply: readonly Action[];
  readonly onReject: readonly Action[];
  readonly onCleanup: readonly Action[] | null;
}

/** One round: a management call, if any, and users' calls. */
export interface Step {
  readonly manage: { readonly method: ManagementMethod; readonly of: number } | null;
  readonly calls: readonly {
    readonly to: number;
    readonly method: CallAction['method'];
    readonly body: readonly Action[];
  }[];
}

export type ManagementMethod =
  | 'stop_canister'
  | 'start_canister'
  | 'uninstall_code'
  | 'delete_canister'
  | 'upgrade'
  | 'reinstall'
  | 'install';

/** How a call ended for its user: a reply, or an error code. */
export type Outcome =
  | { readonly reply: number | null }
  | { readonly code: number }
  | { readonly open: true };
