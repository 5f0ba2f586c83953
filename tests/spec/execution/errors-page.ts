import type { Row } from './error-helpers.ts';

/** The page of error codes in the documentation, made from the tests that produce them. */

/** @upstream rs/types/error_types/src/lib.rs, and packages/ic-error-types of 2026 for what is newer. */
export const ERROR_NAMES: Readonly<Record<number, string>> = {
  101: 'SubnetOversubscribed',
  102: 'MaxNumberOfCanistersReached',
  201: 'CanisterQueueFull',
  202: 'IngressMessageTimeout',
  203: 'CanisterQueueNotEmpty',
  204: 'IngressHistoryFull',
  205: 'CanisterIdAlreadyExists',
  206: 'StopCanisterRequestTimeout',
  207: 'CanisterOutOfCycles',
  208: 'CertifiedStateUnavailable',
  209: 'CanisterInstallCodeRateLimited',
  210: 'CanisterHeapDeltaRateLimited',
  301: 'CanisterNotFound',
  305: 'CanisterSnapshotNotFound',
  402: 'InsufficientMemoryAllocation',
  403: 'InsufficientCyclesForCreateCanister',
  404: 'SubnetNotFound',
  405: 'CanisterNotHostedBySubnet',
  406: 'CanisterRejectedMessage',
  407: 'UnknownManagementMessage',
  408: 'InvalidManagementPayload',
  409: 'CanisterSnapshotImmutable',
  410: 'InvalidSubnetAdmin',
  502: 'CanisterTrapped',
  503: 'CanisterCalledTrap',
  504: 'CanisterContractViolation',
  505: 'CanisterInvalidWasm',
  506: 'CanisterDidNotReply',
  507: 'CanisterOutOfMemory',
  508: 'CanisterStopped',
  509: 'CanisterStopping',
  510: 'CanisterNotStopped',
  511: 'CanisterStoppingCancelled',
  512: 'CanisterInvalidController',
  513: 'CanisterFunctionNotFound',
  514: 'CanisterNonEmpty',
  517: 'QueryCallGraphLoopDetected',
  520: 'InsufficientCyclesInCall',
  521: 'CanisterWasmEngineError',
  522: 'CanisterInstructionLimitExceeded',
  524: 'CanisterMemoryAccessLimitExceeded',
  525: 'QueryCallGraphTooDeep',
  526: 'QueryCallGraphTotalInstructionLimitExceeded',
  527: 'CompositeQueryCalledInReplicatedMode',
  528: 'QueryTimeLimitExceeded',
  529: 'QueryCallGraphInternal',
  530: 'InsufficientCyclesInComputeAllocation',
  531: 'InsufficientCyclesInMemoryAllocation',
  532: 'InsufficientCyclesInMemoryGrow',
  533: 'ReservedCyclesLimitExceededInMemoryAllocation',
  534: 'ReservedCyclesLimitExceededInMemoryGrow',
  535: 'InsufficientCyclesInMessageMemoryGrow',
  536: 'CanisterMethodNotFound',
  537: 'CanisterWasmModuleNotFound',
  538: 'CanisterAlreadyInstalled',
  539: 'CanisterWasmMemoryLimitExceeded',
  540: 'ReservedCyclesLimitIsTooLow',
  541: 'CanisterInvalidControllerOrSubnetAdmin',
  542: 'CanisterStatusAccessDenied',
  601: 'DeadlineExpired',
  602: 'ResponseDropped',
};

/** Produced in a test of its own. */
export const ELSEWHERE: Readonly<Record<number, string>> = {
  204: 'Maximum ingress history capacity 600000 reached',
  524: 'Error from Canister {a}: Canister exceeded memory access limits: …',
  601: 'Call deadline has expired. (reject code 6, to the calling canister)',
  602: 'Response was dropped. (reject code 6, to the calling canister; `best-effort.test.ts`)',
};

/** Why a code cannot come here. */
export const EXCUSED: Readonly<Record<number, string>> = {
  205: 'An id that is taken is 538, as the IC answers to a `specified_id`.',
  208: 'Queries run on a certified state: a node that has none answers HTTP 503 before it looks at a request.',
  402: 'A memory allocation below what is in use is allowed, as on the IC since interface specification 0.52.',
  404: 'A call without a route is rejected with code 3 and the words “No route to canister …”; the boundary answers HTTP 400.',
  407: 'Methods that the management canister does not have are 536 for canisters and 406 for users, as on the IC.',
  517: 'The IC allows calls in a circle since 2024 and raises it no more.',
  521: 'No module that passes validation makes the engine fail; a sandbox that fails is started again, and a node that cannot go on ends.',
  529: 'It says that the replica has a defect in composite queries; here an invariant ends the node instead.',
  535: 'Growing memory for a call that would freeze its canister makes `call_perform` answer 2, as on the IC, and raises nothing.',
  541: 'Only where a subnet has admins, which is a rented subnet; none is here, and 512 is what the IC then says too.',
};

/** A text as a table cell: patterns as they are, of exact texts the first line. */
function cell(text: string | RegExp): string {
  const plain = typeof text === 'string' ? (text.split('\n')[0] ?? '') : plainPattern(text.source);
  return plain.replaceAll('|', '\\|');
}

/** A pattern of the tests without what only the matcher needs. */
function plainPattern(source: string): string {
  const [line = ''] = source.replace(/^\^/, '').replace(/\$$/, '').split('\\n');
  return line
    .replace('..?', '..')
    .replaceAll(/\\d\+|\.\*|\[0-9a-f\]\{64\}|\[0-9a-f\]\+/g, '…')
    .replaceAll('\\', '');
}

/** `npx vitest run tests/spec/execution/errors.test.ts --update` renews the page. */
export function errorsPage(rows: readonly Row[]): string {
  const lines = Object.entries(ERROR_NAMES).map(([code, name]) => {
    const excuse = EXCUSED[Number(code)];
    const texts = rows.filter((row) => row.code === Number(code)).map(({ text }) => cell(text));
    const own = ELSEWHERE[Number(code)];
    const shown = [...new Set(own === undefined ? texts : [...texts, own])];
    return `| IC0${code} | ${name} | ${excuse === undefined ? shown.join('<br>') : `*never: ${excuse}*`} |`;
  });
  return [
    '# Error codes',
    '',
    'Made from the tests in `tests/spec/execution` that produce each code through a public interface, with the texts that they expect',
    '(first lines; `{a}` and `{b}` are canister ids, `…` varies). The first digit is the reject code. What cannot come here says why.',
    '',
    '| Code | Name | Text |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
