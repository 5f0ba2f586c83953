import { useEffect, useState } from 'react';
import type { NodeSnapshot } from '../../wire/network.ts';
import { useServices } from '../services.tsx';

const EVERY_MS = 2_000;

/** What telemetry does not carry: asked of the nodes while somebody looks. */
export function useNodeReports(): readonly NodeSnapshot[] {
  const { network } = useServices();
  const [nodes, setNodes] = useState<readonly NodeSnapshot[]>([]);
  useEffect(() => {
    let watching = true;
    const ask = (): void => {
      network.snapshot().then(
        (snapshot) => {
          if (watching) {
            setNodes(snapshot.nodes);
          }
        },
        () => undefined,
      );
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => {
      watching = false;
      clearInterval(timer);
    };
  }, [network]);
  return nodes;
}
