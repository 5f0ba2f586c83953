import { useMemo } from 'react';
import { subnetName } from '../../wire/topology.ts';
import { typeInWords, verdict } from '../components/SubnetTabs.tsx';
import { useProjection, useServices, useSubnets, useUi } from '../services.tsx';
import { subnetOf } from '../store/derive.ts';
import { formatCount } from '../store/format.ts';
import { BlockStrip } from './BlockStrip.tsx';
import { NodeRing } from './NodeRing.tsx';
import { StreamCanvas } from './StreamCanvas.tsx';
import { StreamLabels, StreamLanes } from './StreamLanes.tsx';
import { SubnetScope } from './SubnetScope.tsx';
import { useSize } from './use-size.ts';
import { WORLD_FOOT, WORLD_HEAD, worldHeight, worldLayout } from './world-layout.ts';

/** All subnets as rings side by side, with the streams between them. */
export function WorldMap() {
  const [ref, size] = useSize<HTMLDivElement>();
  const count = useSubnets((all) => all.length);
  const width = size?.width ?? 0;
  const height = Math.max(worldHeight(count, width), size?.height ?? 0);
  const layout = useMemo(
    () => (width === 0 ? null : worldLayout(count, width, height)),
    [count, width, height],
  );
  const box = useMemo(() => ({ width, height }), [width, height]);
  return (
    <div
      className="world"
      ref={ref}
      style={width === 0 ? undefined : { minHeight: worldHeight(count, width) }}
      role="group"
      aria-label="All subnets and the streams between them"
      data-testid="world"
    >
      {layout === null ? null : (
        <>
          <StreamLanes size={box} layout={layout} />
          {layout.centres.map(({ x, y }, index) => (
            <SubnetScope key={index} index={index}>
              <div
                className="world-subnet"
                style={{
                  left: x - layout.radius,
                  top: y - layout.radius - WORLD_HEAD,
                  width: 2 * layout.radius,
                  height: 2 * layout.radius + WORLD_HEAD + WORLD_FOOT,
                }}
              >
                <SubnetRing index={index} radius={layout.radius} />
              </div>
            </SubnetScope>
          ))}
          <StreamCanvas size={box} layout={layout} />
          <StreamLabels layout={layout} width={width} />
        </>
      )}
    </div>
  );
}

function SubnetRing({ index, radius }: { readonly index: number; readonly radius: number }) {
  const { ui } = useServices();
  const shown = useUi((state) => state.subnet === index);
  const { type, tone, word, waiting } = useProjection((projection) => ({
    type: typeInWords(subnetOf(projection).type),
    waiting: projection.canisters.reduce((sum, { facts: { queues } }) => {
      return sum + queues.inputs + queues.outputs;
    }, 0),
    ...verdict(projection),
  }));
  return (
    <>
      <div className="world-head" style={{ height: WORLD_HEAD }}>
        <button
          type="button"
          className="world-name"
          aria-pressed={shown}
          onClick={() => ui.setState({ subnet: index })}
        >
          {subnetName(index)}
        </button>
        <span className="small">
          <span className="world-type muted">{type}</span>{' '}
          <span className={`tone-${tone}`}>{word}</span>
          {waiting === 0 ? null : (
            <span className="world-waiting" title="Messages in the queues of its canisters">
              {' '}
              {formatCount(waiting)} waiting
            </span>
          )}
        </span>
      </div>
      <div
        className={`world-ring ${shown ? 'world-ring-shown' : ''}`}
        style={{ height: 2 * radius }}
      >
        <NodeRing compact />
      </div>
      <BlockStrip width={2 * radius} height={WORLD_FOOT} />
    </>
  );
}
