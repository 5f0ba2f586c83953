import type { Services } from './services.tsx';
import type { Network, NetworkResult } from '../wire/network.ts';
import { activeFaults, healEverything } from './faults/active-faults.ts';
import { evenSplit } from './faults/partition-draft.ts';
import { canRestart, findNode, isUp } from './store/derive.ts';

/** Where keys belong to what is focused, not to the page. */
const OWN_KEYS =
  'input:not([type="checkbox"], [type="radio"]), textarea, select, [contenteditable], .monaco-editor, dialog';
const OWN_SPACE = 'button, input, a, [role="button"], [role="log"], summary';

/** Keys of the page; each has a button too. Letters can be switched off, Escape and `?` cannot. */
export function handleShortcut(event: KeyboardEvent, services: Services): void {
  const target = event.target instanceof Element ? event.target : null;
  if (event.ctrlKey || event.metaKey || event.altKey || target?.closest(OWN_KEYS)) {
    return;
  }
  const { ui, projection, network } = services;
  const { shortcuts, selection } = ui.getState();
  const run = (command: NetworkResult<unknown>): void => runCommand(command, services);
  if (event.key === 'Escape') {
    ui.setState((state) =>
      state.partitionDraft === null
        ? { selection: null, panel: 'object', commandError: null }
        : { partitionDraft: null },
    );
  } else if (event.key === '?') {
    ui.setState({ helpOpen: true });
  } else if (!shortcuts) {
    return;
  } else if (event.key === ' ' && !target?.closest(OWN_SPACE)) {
    event.preventDefault();
    run(togglePause(network));
  } else if (event.key === '.') {
    run(network.clock.step());
  } else if (/^[1-9]$/u.test(event.key)) {
    selectNode(Number(event.key), services);
  } else if (event.key.toLowerCase() === 'k' && selection?.kind === 'node') {
    const { nodeId } = selection;
    const node = findNode(projection.getState(), nodeId);
    if (node !== undefined && (isUp(node) || canRestart(projection.getState(), node))) {
      run(isUp(node) ? network.faults.kill(nodeId) : network.faults.restart(nodeId));
    }
  } else if (event.key.toLowerCase() === 'p') {
    openPartition(services);
  } else if (event.key.toLowerCase() === 'h') {
    const all = services.subnets.getState();
    if (all.some((now) => activeFaults(now, network.spec).length > 0)) {
      run(healEverything(network, all));
    }
  } else if (event.key.toLowerCase() === 'o') {
    ui.setState(({ overview, scene }) => ({
      overview: scene === 'picture' ? !overview : overview,
      scene: 'picture',
    }));
  } else if (event.key.toLowerCase() === 't') {
    ui.setState(({ scene }) => ({ scene: scene === 'tables' ? 'picture' : 'tables' }));
  } else if (event.key.toLowerCase() === 'c') {
    ui.setState(({ scene }) => ({ scene: scene === 'calls' ? 'picture' : 'calls' }));
  }
}

/** Nodes are numbered through all subnets: that of the node is shown. */
function selectNode(number: number, { ui, subnets }: Services): void {
  for (const [subnet, { nodes }] of subnets.getState().entries()) {
    const node = nodes.find(({ index }) => index + 1 === number);
    if (node !== undefined) {
      ui.setState({ subnet, selection: { kind: 'node', nodeId: node.nodeId } });
    }
  }
}

/** The partition is chosen on the ring, so that one is shown. */
function openPartition({ ui, projection }: Services): void {
  const fresh = evenSplit(projection.getState());
  ui.setState(({ partitionDraft }) => ({
    door: 'observe',
    scene: 'picture',
    panel: 'faults',
    partitionDraft: partitionDraft ?? fresh,
  }));
}

function togglePause({ clock }: Network): NetworkResult<void> {
  return clock.now().paused ? clock.resume() : clock.pause();
}

function runCommand(command: NetworkResult<unknown>, { ui }: Services): void {
  command.then(
    (result) => ui.setState({ commandError: result.ok ? null : result.error.message }),
    (reason: unknown) => ui.setState({ commandError: String(reason) }),
  );
}
