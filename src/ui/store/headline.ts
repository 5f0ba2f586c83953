import { enumerate } from '../../wire/incidents.ts';
import type { SubnetProjections } from '../../wire/project-subnets.ts';
import type { NetworkProjection, NodeView } from '../../wire/projection.ts';
import { divergedHeight, isWorking, keyHolders, nodesUp, quorumOf } from './derive.ts';
import { formatCount } from './format.ts';

export interface Headline {
  readonly tone: 'good' | 'warning' | 'error' | 'info';
  readonly text: string;
}

/** The one sentence on top of the scene: what the reader is looking at, right now. */
export function headline(projection: NetworkProjection): Headline {
  return (
    broken(projection) ??
    standing(projection) ??
    lying(projection) ??
    joining(projection) ??
    agreeing(projection)
  );
}

const URGENCY: Readonly<Record<Headline['tone'], number>> = {
  error: 2,
  warning: 1,
  info: 0,
  good: 0,
};

/** The subnet that a reader of all should hear of: the one shown, unless another is worse off. */
export function worstOf(subnets: SubnetProjections, shown: number): number {
  const urgency = subnets.map((projection) => URGENCY[headline(projection).tone]);
  const worst = Math.max(...urgency);
  return urgency[shown] === worst ? shown : urgency.indexOf(worst);
}

function broken(projection: NetworkProjection): Headline | undefined {
  const [violation] = projection.violations;
  if (violation !== undefined) {
    return { tone: 'error', text: `The protocol was broken. ${violation}` };
  }
  const diverged = divergedHeight(projection);
  return diverged === undefined
    ? undefined
    : {
        tone: 'error',
        text: `Nodes computed different states at height ${formatCount(diverged)}.`,
      };
}

/** Why nothing is finalized, when it is plain why. */
function standing(projection: NetworkProjection): Headline | undefined {
  const { size, needed } = quorumOf(projection);
  const up = nodesUp(projection);
  const height = formatCount(projection.finalizedHeight);
  if (up < needed) {
    return {
      tone: 'warning',
      text: `${up} of ${size} nodes run, ${needed} are needed: the subnet waits at block ${height} and finalizes nothing.`,
    };
  }
  if (projection.clock?.paused === true) {
    return { tone: 'info', text: `Time stands still at block ${height} (finalized).` };
  }
  return projection.partitions.length === 0
    ? undefined
    : {
        tone: 'warning',
        text: `The network is split. Only a side with ${needed} nodes can finalize; now at block ${height}.`,
      };
}

/** Nodes that break the rules, alone or with others that do not work, against what is tolerated. */
function lying(projection: NetworkProjection): Headline | undefined {
  const all = keyHolders(projection);
  const { size, tolerated } = quorumOf(projection);
  const liars = all.filter((node) => node.behaviours.length > 0);
  const idle = all.filter((node) => !isWorking(node) && !liars.includes(node));
  const height = formatCount(projection.finalizedHeight);
  if (liars.length === 0) {
    return undefined;
  }
  if (liars.length > tolerated) {
    return {
      tone: 'error',
      text: `${liars.length} of ${size} nodes break the rules, more than the ${tolerated} tolerated: nothing is promised at block ${height}.`,
    };
  }
  const who = `${labels(liars)} ${liars.length === 1 ? 'breaks' : 'break'} the rules`;
  if (liars.length + idle.length > tolerated) {
    const verb = idle.length === 1 ? 'does' : 'do';
    return {
      tone: 'warning',
      text: `${who}, ${labels(idle)} ${verb} not work: more than the ${tolerated} tolerated. The subnet may wait; now at block ${height}.`,
    };
  }
  const honest = all.filter((node) => isWorking(node) && !liars.includes(node));
  return {
    tone: 'warning',
    text: `${who}. The other ${honest.length} agree on block ${agreedHeight(projection)}.`,
  };
}

function joining(projection: NetworkProjection): Headline | undefined {
  const height = formatCount(projection.finalizedHeight);
  const syncing = projection.nodes.find((node) => node.sync !== null);
  if (syncing !== undefined) {
    return {
      tone: 'info',
      text: `Block ${height} is finalized. ${syncing.label} fetches the state of height ${formatCount(syncing.sync?.height ?? 0)} from its peers.`,
    };
  }
  const late = projection.nodes.filter(
    (node) => node.condition === 'catchingUp' && isWorking(node),
  );
  return late.length === 0
    ? undefined
    : {
        tone: 'warning',
        text: `Block ${height} is finalized. ${labels(late)} ${late.length === 1 ? 'is' : 'are'} catching up.`,
      };
}

function agreeing(projection: NetworkProjection): Headline {
  const { size } = quorumOf(projection);
  const up = nodesUp(projection);
  const agreed = agreedHeight(projection);
  return up < size
    ? {
        tone: 'warning',
        text: `${up} of ${size} nodes run: enough to finalize. They agree on block ${agreed}.`,
      }
    : {
        tone: 'good',
        text:
          size === 1
            ? `Its only node finalized block ${agreed}.`
            : `All ${size} nodes agree on block ${agreed} (finalized).`,
      };
}

/** The height that every honest working node has finalized; the best one may be a block ahead. */
function agreedHeight(projection: NetworkProjection): string {
  const heights = keyHolders(projection)
    .filter((node) => isWorking(node) && node.behaviours.length === 0)
    .map((node) => node.heights.finalized);
  return formatCount(heights.length === 0 ? projection.finalizedHeight : Math.min(...heights));
}

function labels(nodes: readonly NodeView[]): string {
  return enumerate(nodes.map((node) => node.label));
}
