import { err, ok, type CodedError, type Result } from '../../base/result.ts';
import { wrapBls } from '../../protocol/crypto/der.ts';
import type { CryptoSuite } from '../../protocol/crypto/suite.ts';
import type { HttpReply } from '../../protocol/node/node-io.ts';
import type { DealtNetwork, NetworkDealSpec } from '../../protocol/registry/deal-network.ts';
import { hasRegistry } from '../../protocol/registry/deal-network.ts';
import type { OperatorCall } from '../../protocol/registry/operator-call.ts';
import { createRegistryDesk } from '../../protocol/registry/registry-desk.ts';
import type { DealtSubnet } from '../../protocol/types/genesis.ts';
import type { SubnetId, TimeNs } from '../../protocol/types/ids.ts';
import type { NetworkTopology } from '../../protocol/types/network-topology.ts';
import type { RegistryChange, SubnetRecord } from '../../protocol/types/registry.ts';
import type { SubnetSpec } from '../../wire/network-spec.ts';

/** A subnet's keys, with its public one in DER. */
export interface Dealt extends DealtSubnet {
  readonly publicKeyDer: Uint8Array;
}

/** What the page knows of the registry. */
export interface RegistryView {
  /** Encoded, that of version v at v − 1. */
  readonly deltas: readonly Uint8Array[];
  readonly topology: NetworkTopology;
  /** Versions of each subnet's record after its first, ascending. */
  readonly records: readonly (readonly [SubnetId, readonly SubnetRecord[]])[];
}

/** The network's operator, in the worker that has the keys. */
export interface RegistryOffice {
  view(): RegistryView;
  /** Subnets that were added to the network, in order. */
  late(): readonly Dealt[];
  prepareChange(subnetId: SubnetId, change: RegistryChange): Result<Uint8Array, CodedError>;
  prepareSubnet(
    spec: SubnetSpec,
    nowNs: TimeNs,
  ): Result<{ readonly delta: Uint8Array; readonly dealt: Dealt }, CodedError>;
  call(delta: Uint8Array, nowNs: TimeNs): OperatorCall;
  /** What came of the call that makes this version. */
  outcome(
    call: OperatorCall,
    reply: Pick<HttpReply, 'status' | 'body'> | null,
    delta: Uint8Array,
  ): Result<RegistryView, CodedError>;
  /** Versions that were made while the page did not look; those that do not follow are left out. */
  learn(deltas: readonly Uint8Array[]): RegistryView;
}

/** Undefined where the root subnet keeps no registry. */
export function openRegistryOffice(
  spec: NetworkDealSpec,
  network: DealtNetwork,
  suite: CryptoSuite,
  later: readonly Uint8Array[],
): RegistryOffice | undefined {
  if (!hasRegistry(spec.subnets)) {
    return undefined;
  }
  const desk = createRegistryDesk(spec, network, suite, later);
  const { local } = desk;
  const view = (): RegistryView => ({
    deltas: local.deltas(),
    topology: local.newestTopology(),
    records: local.subnets().map((id) => [id, desk.recordsOf(id)] as const),
  });
  const first = new Set(network.subnets.map(({ genesis }) => genesis.subnetId));
  return {
    view,
    late: () =>
      local
        .subnets()
        .filter((id) => !first.has(id))
        .toSorted((a, b) => versionOf(a) - versionOf(b))
        .flatMap((id, place) => {
          const dealt = desk.dealAgain(id, first.size + place);
          return dealt === undefined ? [] : [keyed(dealt)];
        }),
    prepareChange: desk.prepareChange,
    prepareSubnet: (shape, nowNs) => {
      const prepared = desk.prepareSubnet(shape, nowNs);
      return prepared.ok
        ? ok({ delta: prepared.value.delta, dealt: keyed(prepared.value.dealt) })
        : prepared;
    },
    call: desk.call,
    outcome: (call, reply, delta) => {
      const outcome = desk.outcome(call, reply);
      const applied = outcome.ok ? desk.apply(delta) : outcome;
      return applied.ok ? ok(view()) : err(applied.error);
    },
    learn: (deltas) => {
      deltas.forEach((delta) => desk.apply(delta));
      return view();
    },
  };

  function versionOf(id: SubnetId): number {
    return local.genesisOf(id)?.registryVersion ?? 0;
  }
}

export function keyed(dealt: DealtSubnet): Dealt {
  return { ...dealt, publicKeyDer: wrapBls(dealt.genesis.highTranscript.publicKey) };
}
