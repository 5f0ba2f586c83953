import { useMemo } from 'react';
import { present } from '../../base/assert.ts';
import type { NetworkProjection } from '../../wire/projection.ts';
import { type Services, ServicesContext, useServices } from '../services.tsx';
import type { ProjectionStore } from '../store/live-network.ts';

interface SubnetScopeProps {
  readonly index: number;
  readonly children: React.ReactNode;
}

/** What is inside sees that subnet as the one that is shown. */
export function SubnetScope({ index, children }: SubnetScopeProps) {
  const services = useServices();
  const scoped = useMemo(
    (): Services => ({ ...services, projection: storeOf(services, index) }),
    [services, index],
  );
  return <ServicesContext value={scoped}>{children}</ServicesContext>;
}

function storeOf({ subnets }: Services, index: number): ProjectionStore {
  const at = (all: readonly NetworkProjection[]): NetworkProjection =>
    present(all[index], 'a subnet of the network is shown');
  return {
    ...subnets,
    getState: () => at(subnets.getState()),
    getInitialState: () => at(subnets.getInitialState()),
    setState: () => undefined,
    subscribe: (listener) =>
      subnets.subscribe((now, before) => {
        if (now[index] !== before[index]) {
          listener(at(now), at(before));
        }
      }),
  };
}
