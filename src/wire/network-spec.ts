import { codedError, err, ok } from '../base/result.ts';
import type { CodedError, Result } from '../base/result.ts';
import { roundTripMs } from './datacentres.ts';
import type { LimitsPreset, SubnetKind } from '../protocol/types/genesis.ts';

/**
 * A network as plain JSON: what a share link, a script or the command line gives to
 * `createNetwork`. Everything that is not stated here follows from the seed.
 */

export const NETWORK_SPEC_VERSION = 1;
export const MAX_SUBNETS = 8;
export const MAX_NODES_PER_SUBNET = 40;
export const MAX_SEED_CHARACTERS = 256;
export const MAX_SANDBOX_WORKERS = 4;
/** Least and most of `NetworkSpec.wasmStackBytes`. */
export const WASM_STACK_BYTES = [64 * 1024, 5 * 1024 * 1024] as const;
const MAX_DELAY_MS = 60_000;
/** 100 Gbit/s. */
const MAX_BANDWIDTH_KBPS = 100_000_000;

/** `mainnet`: the IC's own delays; `classroom`: short DKG intervals; `turbo`: as fast as the cores allow. */
export const PACES = ['mainnet', 'classroom', 'turbo'] as const;
export type Pace = (typeof PACES)[number];

/**
 * How the jitter is spread: `uniform` adds 0 … jitterMs; `normal` adds around 0 with standard
 * deviation jitterMs; `heavyTail` adds jitterMs on average, mostly little, at times very much.
 */
export const DISTRIBUTIONS = ['uniform', 'normal', 'heavyTail'] as const;

/** Where nodes stand: `datacentres` adds half a real round-trip time to each link. */
export const LATENCY_PRESETS = ['none', 'datacentres'] as const;

/**
 * The library that computes BLS signatures in the page's workers; the bytes are the same with all.
 * `measured` takes the faster one of this browser, `mcl` runs in Wasm, `noble` in JavaScript. The
 * simulator has only noble and ignores the choice.
 */
export const SIGNATURE_BACKENDS = ['measured', 'mcl', 'noble'] as const;
export type SignatureBackend = (typeof SIGNATURE_BACKENDS)[number];

/** How a directed link treats packets. Probabilities are percentages, 0–100. */
export interface LinkConditions {
  /** One way. */
  readonly delayMs: number;
  readonly jitterMs: number;
  readonly distribution: (typeof DISTRIBUTIONS)[number];
  /** Kilobits per second; packets queue for it. 0 = unlimited. */
  readonly bandwidthKbps: number;
  readonly lossPercent: number;
  readonly duplicatePercent: number;
  readonly reorderPercent: number;
  readonly cut: boolean;
}

export interface SubnetSpec {
  /**
   * What canisters may do and pay follows from it: on `system` subnets they pay nothing and have larger limits, on
   * `data` subnets they make no calls to others. `fiduciary` is an application subnet of more nodes than usual.
   */
  readonly type: SubnetKind;
  /** 1–40; if a spec leaves it out 4, and 10 for a fiduciary subnet (the IC's have 13 and 34). */
  readonly nodes: number;
  /** Nodes that are registered and may join later; with `nodes` at most 40. */
  readonly spareNodes?: number;
}

export interface NetworkSpec {
  readonly version: typeof NETWORK_SPEC_VERSION;
  /** All keys and all simulated chance follow from it. */
  readonly seed: string;
  readonly pace: Pace;
  /** 1–8; the first is the root subnet, which certifies the keys of the others. */
  readonly subnets: readonly SubnetSpec[];
  /** Conditions of every link at the start. */
  readonly links: LinkConditions;
  /** What the places of the nodes add to `links`. */
  readonly latencyPreset: (typeof LATENCY_PRESETS)[number];
  /**
   * Nodes of one tab tell each other which signatures they found valid and do not check those again.
   * Saves time, and makes nodes trust the workers of their tab.
   */
  readonly memoVerification: boolean;
  readonly signatureBackend: SignatureBackend;
  /** Data blocks between two summary blocks; null = the pace's own. */
  readonly dkgIntervalLength: number | null;
  /**
   * `initial_notary_delay_millis` of every subnet's registry record, 0–60,000: what a notary waits for at least, so
   * that a block takes little more; null = the pace's own. Holds until another pace is chosen.
   */
  readonly initialNotaryDelayMs: number | null;
  /** Limits of execution: the IC's own, or the page's with shorter slices. */
  readonly limits: LimitsPreset;
  /**
   * Workers in which a node runs its canisters, 1–4: one number for all nodes, or one for each in
   * order of subnets, members and spare nodes; null = as many as the browser's cores allow. A node has fewer where the tab's Wasm
   * memories do not suffice. Results are the same with any number. The simulator ignores it.
   */
  readonly sandboxWorkers: number | readonly number[] | null;
  /**
   * Stack that a canister's calls may use, in bytes, the same on every node; null = as much as this
   * host gives: 5 MiB as on the IC, or 350 KiB where the browser cannot suspend WebAssembly (JSPI). A
   * network that asks for more than the host gives does not start.
   */
  readonly wasmStackBytes: number | null;
}

export const LIMITS_PRESETS: readonly LimitsPreset[] = ['classroom', 'mainnet'];

export const PERFECT_LINK: LinkConditions = {
  delayMs: 0,
  jitterMs: 0,
  distribution: 'uniform',
  bandwidthKbps: 0,
  lossPercent: 0,
  duplicatePercent: 0,
  reorderPercent: 0,
  cut: false,
};

export type NetworkSpecErrorCode =
  | 'SPEC_NOT_AN_OBJECT'
  | 'SPEC_VERSION_UNKNOWN'
  | 'SPEC_FIELD_UNKNOWN'
  | 'SPEC_FIELD_INVALID';
export type NetworkSpecError = CodedError<NetworkSpecErrorCode>;

/** Consensus delays of a pace. */
export interface PaceSettings {
  readonly unitDelayMs: number;
  readonly initialNotaryDelayMs: number;
  readonly dkgIntervalLength: number;
}

/** Unit delays are registry values of the IC (application subnets); the classroom's and turbo's intervals are shorter so that catch-up packages can be seen. */
export const PACE_SETTINGS: Readonly<Record<Pace, PaceSettings>> = {
  mainnet: { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 499 },
  classroom: { unitDelayMs: 1000, initialNotaryDelayMs: 300, dkgIntervalLength: 19 },
  turbo: { unitDelayMs: 1000, initialNotaryDelayMs: 10, dkgIntervalLength: 99 },
};

/** A small application subnet with everything at its default. */
export function defaultNetworkSpec(
  overrides: { readonly seed?: string; readonly nodes?: number; readonly pace?: Pace } = {},
): NetworkSpec {
  return {
    version: NETWORK_SPEC_VERSION,
    seed: overrides.seed ?? 'subnetarium',
    pace: overrides.pace ?? 'turbo',
    subnets: [{ type: 'application', nodes: overrides.nodes ?? 4 }],
    links: PERFECT_LINK,
    latencyPreset: 'none',
    memoVerification: false,
    signatureBackend: 'measured',
    dkgIntervalLength: null,
    initialNotaryDelayMs: null,
    limits: 'classroom',
    sandboxWorkers: null,
    wasmStackBytes: null,
  };
}

type Fields = Readonly<Record<string, unknown>>;

function invalid(path: string, expected: string): Result<never, NetworkSpecError> {
  return err(codedError('input', 'SPEC_FIELD_INVALID', `${path} must be ${expected}.`));
}

function fieldsOf(
  value: unknown,
  path: string,
  known: readonly string[],
): Result<Fields, NetworkSpecError> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return err(codedError('input', 'SPEC_NOT_AN_OBJECT', `${path} must be an object.`));
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      return err(
        codedError(
          'input',
          'SPEC_FIELD_UNKNOWN',
          `${path}.${key.slice(0, 40)} is not a known field.`,
        ),
      );
    }
  }
  return ok(value as Fields);
}

function integerIn(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}

function parseLinks(value: unknown, path: string): Result<LinkConditions, NetworkSpecError> {
  if (value === undefined) {
    return ok(PERFECT_LINK);
  }
  const fields = fieldsOf(value, path, Object.keys(PERFECT_LINK));
  if (!fields.ok) {
    return fields;
  }
  const merged: Record<string, unknown> = { ...PERFECT_LINK, ...fields.value };
  for (const key of ['delayMs', 'jitterMs']) {
    if (!integerIn(merged[key], 0, MAX_DELAY_MS)) {
      return invalid(`${path}.${key}`, `an integer from 0 to ${MAX_DELAY_MS}`);
    }
  }
  if (!integerIn(merged['bandwidthKbps'], 0, MAX_BANDWIDTH_KBPS)) {
    return invalid(`${path}.bandwidthKbps`, `an integer from 0 to ${MAX_BANDWIDTH_KBPS}`);
  }
  if (!(DISTRIBUTIONS as readonly unknown[]).includes(merged['distribution'])) {
    return invalid(`${path}.distribution`, `one of ${DISTRIBUTIONS.join(', ')}`);
  }
  for (const key of ['lossPercent', 'duplicatePercent', 'reorderPercent']) {
    if (!integerIn(merged[key], 0, 100)) {
      return invalid(`${path}.${key}`, 'an integer from 0 to 100');
    }
  }
  if (typeof merged['cut'] !== 'boolean') {
    return invalid(`${path}.cut`, 'true or false');
  }
  return ok(merged as unknown as LinkConditions);
}

/** Conditions of the link between two nodes at the start, whole milliseconds. */
export function initialLink(spec: NetworkSpec, from: number, to: number): LinkConditions {
  if (spec.latencyPreset === 'none') {
    return spec.links;
  }
  const delayMs = spec.links.delayMs + Math.round(roundTripMs(from, to) / 2);
  return { ...spec.links, delayMs: Math.min(delayMs, MAX_DELAY_MS) };
}

/** Checks link conditions that come from a script; absent fields are those of a perfect link. */
export function parseLinkConditions(value: unknown): Result<LinkConditions, NetworkSpecError> {
  return parseLinks(value ?? {}, 'conditions');
}

export const SUBNET_KINDS: readonly SubnetKind[] = [
  'application',
  'system',
  'verified_application',
  'fiduciary',
  'data',
];

function parseSubnet(
  value: unknown,
  path: string,
  defaultType: SubnetKind,
): Result<SubnetSpec, NetworkSpecError> {
  const fields = fieldsOf(value, path, ['type', 'nodes', 'spareNodes']);
  if (!fields.ok) {
    return fields;
  }
  const {
    type = defaultType,
    nodes = type === 'fiduciary' ? 10 : 4,
    spareNodes,
  } = fields.value as Readonly<Record<string, unknown>>;
  if (!(SUBNET_KINDS as readonly unknown[]).includes(type)) {
    return invalid(`${path}.type`, `one of ${SUBNET_KINDS.join(', ')}`);
  }
  if (!integerIn(nodes, 1, MAX_NODES_PER_SUBNET)) {
    return invalid(`${path}.nodes`, `an integer from 1 to ${MAX_NODES_PER_SUBNET}`);
  }
  if (spareNodes !== undefined && !integerIn(spareNodes, 0, MAX_NODES_PER_SUBNET - nodes)) {
    return invalid(`${path}.spareNodes`, `an integer from 0 to ${MAX_NODES_PER_SUBNET - nodes}`);
  }
  return ok({ type: type as SubnetKind, nodes, ...(spareNodes !== undefined && { spareNodes }) });
}

/** Checks the spec of a subnet that is to be added to a network. */
export function parseSubnetSpec(value: unknown): Result<SubnetSpec, NetworkSpecError> {
  return parseSubnet(value, 'subnet', 'application');
}

/** A subnet alone is its own root, of any type; where there are more, the root has the NNS's. */
function parseSubnets(value: unknown): Result<readonly SubnetSpec[], NetworkSpecError> {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_SUBNETS) {
    return invalid('spec.subnets', `a list of 1 to ${MAX_SUBNETS} subnets`);
  }
  const subnets: SubnetSpec[] = [];
  for (const [index, one] of value.entries()) {
    const isRootOfOthers = index === 0 && value.length > 1;
    const path = `spec.subnets[${index}]`;
    const subnet = parseSubnet(one, path, isRootOfOthers ? 'system' : 'application');
    if (!subnet.ok) {
      return subnet;
    }
    if (isRootOfOthers && subnet.value.type !== 'system') {
      return invalid(`${path}.type`, 'system: the first of several subnets is the root');
    }
    subnets.push(subnet.value);
  }
  return ok(subnets);
}

function parseSandboxWorkers(
  value: unknown,
  subnets: readonly SubnetSpec[],
): Result<NetworkSpec['sandboxWorkers'], NetworkSpecError> {
  const isCount = (one: unknown): one is number => integerIn(one, 1, MAX_SANDBOX_WORKERS);
  if (value === null || isCount(value)) {
    return ok(value);
  }
  const nodes = subnets.reduce((sum, subnet) => sum + subnet.nodes + (subnet.spareNodes ?? 0), 0);
  if (Array.isArray(value) && value.length === nodes && value.every(isCount)) {
    return ok(value);
  }
  const count = `an integer from 1 to ${MAX_SANDBOX_WORKERS}`;
  return invalid('spec.sandboxWorkers', `null, ${count} or a list with one for each node`);
}

function parseTiming(
  fields: Fields,
): Result<Pick<NetworkSpec, 'dkgIntervalLength' | 'initialNotaryDelayMs'>, NetworkSpecError> {
  const dkgIntervalLength = fields['dkgIntervalLength'] ?? null;
  if (dkgIntervalLength !== null && !integerIn(dkgIntervalLength, 1, 10_000)) {
    return invalid('spec.dkgIntervalLength', 'null or an integer from 1 to 10000');
  }
  const initialNotaryDelayMs = fields['initialNotaryDelayMs'] ?? null;
  if (initialNotaryDelayMs !== null && !integerIn(initialNotaryDelayMs, 0, MAX_DELAY_MS)) {
    return invalid('spec.initialNotaryDelayMs', `null or an integer from 0 to ${MAX_DELAY_MS}`);
  }
  return ok({ dkgIntervalLength, initialNotaryDelayMs });
}

function checkVersion(version: unknown): Result<void, NetworkSpecError> {
  return version === NETWORK_SPEC_VERSION
    ? ok(undefined)
    : err(
        codedError(
          'input',
          'SPEC_VERSION_UNKNOWN',
          `spec.version must be ${NETWORK_SPEC_VERSION}; this page may be older than the link.`,
        ),
      );
}

/**
 * Checks a network spec from outside (a link, a file, a script) and fills in defaults.
 * Unknown fields are errors, so that a misspelt one is never silently ignored.
 */
export function parseNetworkSpec(value: unknown): Result<NetworkSpec, NetworkSpecError> {
  const parsed = fieldsOf(value, 'spec', Object.keys(defaultNetworkSpec()));
  if (!parsed.ok) {
    return parsed;
  }
  const fields = parsed.value;
  const version = checkVersion(fields['version'] ?? NETWORK_SPEC_VERSION);
  if (!version.ok) {
    return version;
  }
  const seed = fields['seed'] ?? 'subnetarium';
  if (typeof seed !== 'string' || seed.length === 0 || seed.length > MAX_SEED_CHARACTERS) {
    return invalid('spec.seed', `text of 1 to ${MAX_SEED_CHARACTERS} characters`);
  }
  const pace = fields['pace'] ?? 'turbo';
  if (!(PACES as readonly unknown[]).includes(pace)) {
    return invalid('spec.pace', `one of ${PACES.join(', ')}`);
  }
  const subnets = parseSubnets(fields['subnets'] ?? [{}]);
  if (!subnets.ok) {
    return subnets;
  }
  const links = parseLinks(fields['links'], 'spec.links');
  if (!links.ok) {
    return links;
  }
  const latencyPreset = fields['latencyPreset'] ?? 'none';
  if (!(LATENCY_PRESETS as readonly unknown[]).includes(latencyPreset)) {
    return invalid('spec.latencyPreset', `one of ${LATENCY_PRESETS.join(', ')}`);
  }
  const memoVerification = fields['memoVerification'] ?? false;
  if (typeof memoVerification !== 'boolean') {
    return invalid('spec.memoVerification', 'true or false');
  }
  const signatureBackend = fields['signatureBackend'] ?? 'measured';
  if (!(SIGNATURE_BACKENDS as readonly unknown[]).includes(signatureBackend)) {
    return invalid('spec.signatureBackend', `one of ${SIGNATURE_BACKENDS.join(', ')}`);
  }
  const timing = parseTiming(fields);
  if (!timing.ok) {
    return timing;
  }
  const limits = fields['limits'] ?? 'classroom';
  if (!(LIMITS_PRESETS as readonly unknown[]).includes(limits)) {
    return invalid('spec.limits', `one of ${LIMITS_PRESETS.join(', ')}`);
  }
  const sandboxWorkers = parseSandboxWorkers(fields['sandboxWorkers'] ?? null, subnets.value);
  if (!sandboxWorkers.ok) {
    return sandboxWorkers;
  }
  const wasmStackBytes = fields['wasmStackBytes'] ?? null;
  if (wasmStackBytes !== null && !integerIn(wasmStackBytes, ...WASM_STACK_BYTES)) {
    const [least, most] = WASM_STACK_BYTES;
    return invalid('spec.wasmStackBytes', `null or an integer from ${least} to ${most}`);
  }
  return ok({
    version: NETWORK_SPEC_VERSION,
    seed,
    pace: pace as Pace,
    subnets: subnets.value,
    links: links.value,
    latencyPreset: latencyPreset as NetworkSpec['latencyPreset'],
    memoVerification,
    signatureBackend: signatureBackend as SignatureBackend,
    ...timing.value,
    limits: limits as LimitsPreset,
    sandboxWorkers: sandboxWorkers.value,
    wasmStackBytes,
  });
}
