import { err, ok, type Result } from '../../base/result.ts';
import { principalFromText } from '../crypto/principal.ts';
import { REPLICA_VERSION } from '../execution/execution-environment.ts';
import type { SandboxTask } from '../execution/run-on-sandbox.ts';
import type { UserError } from '../execution/user-error.ts';
import type { SignedIngress } from '../interfaces/replica.ts';
import type { PrincipalId } from '../types/ids.ts';
import { authenticate } from './authenticate.ts';
import { answerQuery, type CallMode, checkEffectiveId, signedIngress } from './canister-call.ts';
import { decodeEnvelope, type Envelope, type RequestContent } from './envelope.ts';
import { cborReply, errorReply, httpError, type HttpError, type HttpReply } from './http-error.ts';
import { readState, type ReadRoute } from './read-state.ts';
import type { CertifiedState, RangesForm, ReplicaContext } from './replica-context.ts';

/**
 * The HTTP interface of one replica, as a function: path and body in, an answer or the work that
 * leads to it out. @upstream interface spec 0.66 "HTTPS interface", rs/http_endpoints/public
 */
export interface ReplicaRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Uint8Array;
}

export type RequestOutcome =
  | { readonly kind: 'reply'; readonly reply: HttpReply }
  | { readonly kind: 'query'; readonly task: SandboxTask<HttpReply> }
  | {
      readonly kind: 'ingress';
      readonly mode: CallMode;
      /** Of the certificate that answers it. */
      readonly ranges: RangesForm;
      readonly message: SignedIngress;
      /** The ingress filter; null = may enter the pool. */
      readonly admission: SandboxTask<UserError | null>;
    };

interface Route {
  readonly version: 2 | 3 | 4;
  readonly kind: 'canister' | 'subnet';
  readonly id: PrincipalId;
  readonly operation: RequestContent['kind'];
}

const ROUTE = /^\/api\/v([234])\/(canister|subnet)\/([a-z0-9-]{1,70})\/(call|query|read_state)$/;
const VERSIONS: Readonly<Record<string, readonly number[]>> = {
  'canister call': [2, 3, 4],
  'canister query': [2, 3],
  'canister read_state': [2, 3],
  'subnet read_state': [2, 3],
};

/** Never throws on any request. */
export function handleRequest(context: ReplicaContext, request: ReplicaRequest): RequestOutcome {
  if (request.path === '/api/v2/status') {
    return reply(request.method === 'GET' ? statusReply(context) : methodNotAllowed('GET'));
  }
  const route = parseRoute(request.path);
  if (!route.ok) {
    return reply(errorReply(route.error));
  }
  if (request.method !== 'POST') {
    return reply(methodNotAllowed('POST'));
  }
  const { certified } = context;
  const health = healthOf(context);
  if (certified === undefined || health !== 'Healthy') {
    const why = `Replica is unhealthy: ${health}. Check the /api/v2/status for more information.`;
    return reply(errorReply(httpError('NOT_READY', why)));
  }
  const outcome = dispatch(context, certified, route.value, request.body);
  return outcome.ok ? outcome.value : reply(errorReply(outcome.error));
}

type Health = 'Healthy' | 'WaitingForCertifiedState' | 'WaitingForRootDelegation';

const HEALTH_TEXT: Readonly<Record<Health, string>> = {
  Healthy: 'healthy',
  WaitingForCertifiedState: 'waiting_for_certified_state',
  WaitingForRootDelegation: 'waiting_for_root_delegation',
};

/** A replica answers once it has a certified state, and certificates that clients can verify. */
function healthOf({ certified, delegation }: ReplicaContext): Health {
  if (certified === undefined) {
    return 'WaitingForCertifiedState';
  }
  return delegation === undefined ? 'WaitingForRootDelegation' : 'Healthy';
}

function reply(value: HttpReply): RequestOutcome {
  return { kind: 'reply', reply: value };
}

function methodNotAllowed(allowed: string): HttpReply {
  return errorReply(httpError('METHOD_NOT_ALLOWED', `Only ${allowed} is allowed here.`));
}

function parseRoute(path: string): Result<Route, HttpError> {
  const [, version, kind, text, operation] = ROUTE.exec(path) ?? [];
  const versions = VERSIONS[`${kind} ${operation}`];
  if (text === undefined || !(versions?.includes(Number(version)) ?? false)) {
    return err(httpError('UNKNOWN_PATH', `Unknown path ${path.slice(0, 200)}`));
  }
  const id = principalFromText(text);
  return id.ok
    ? ok({
        version: Number(version) as Route['version'],
        kind: kind as Route['kind'],
        id: id.value,
        operation: operation as Route['operation'],
      })
    : err(httpError('MALFORMED_REQUEST', `Invalid principal in the path: ${id.error.message}`));
}

function dispatch(
  context: ReplicaContext,
  certified: CertifiedState,
  route: Route,
  body: Uint8Array,
): Result<RequestOutcome, HttpError> {
  const decoded = decodeEnvelope(body);
  if (!decoded.ok) {
    return decoded;
  }
  const envelope = decoded.value;
  const { content } = envelope;
  if (content.kind !== route.operation) {
    return err(
      httpError(
        'MALFORMED_REQUEST',
        `The request_type ${content.kind} does not fit the path's ${route.operation}.`,
      ),
    );
  }
  if (content.kind !== 'read_state') {
    const effective = checkEffectiveId(content, route.id);
    if (!effective.ok) {
      return effective;
    }
  }
  const target = content.kind === 'read_state' ? readTarget(route) : content.canisterId;
  const authentic = authenticate(envelope, target, context.nowNs, context.trust);
  return authentic.ok ? serve(context, certified, route, envelope, body) : authentic;
}

/** Delegation targets bind reads about a canister, not those about the subnet. */
function readTarget(route: Route): PrincipalId | undefined {
  return route.kind === 'canister' ? route.id : undefined;
}

function serve(
  context: ReplicaContext,
  certified: CertifiedState,
  route: Route,
  envelope: Envelope,
  body: Uint8Array,
): Result<RequestOutcome, HttpError> {
  const { content } = envelope;
  switch (content.kind) {
    case 'read_state': {
      const readRoute: ReadRoute = {
        kind: route.kind,
        id: route.id,
        version: route.version === 2 ? 2 : 3,
      };
      const delegation = context.delegation ?? null;
      const certificate = readState(certified, delegation, content, readRoute);
      return certificate.ok
        ? ok(reply(cborReply(200, { certificate: certificate.value })))
        : certificate;
    }
    case 'query': {
      const ranges = route.version === 2 ? 'flat' : 'sharded';
      return ok({
        kind: 'query',
        task: answerQuery(context, certified, envelope, content, ranges),
      });
    }
    case 'call': {
      const message = signedIngress(envelope, content, route.id, body);
      const mode = route.version === 2 ? 'async' : 'sync';
      return ok({
        kind: 'ingress',
        mode,
        ranges: route.version === 4 ? 'sharded' : 'flat',
        message,
        admission: context.inspectIngress(certified, message),
      });
    }
  }
}

function statusReply(context: ReplicaContext): HttpReply {
  return cborReply(200, {
    ic_api_version: '0.66.0',
    impl_version: REPLICA_VERSION,
    root_key: context.rootKeyDer,
    replica_health_status: HEALTH_TEXT[healthOf(context)],
    certified_height: context.certified?.height ?? 0,
  });
}
