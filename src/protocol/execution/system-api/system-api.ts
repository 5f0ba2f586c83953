import { forbidden, isAllowedIn } from './contexts.ts';
import { callFunctions } from './call-functions.ts';
import { costOf } from './costs.ts';
import { cyclesFunctions } from './cycles-functions.ts';
import { environmentFunctions } from './environment-functions.ts';
import type { SystemApiFunctions } from './functions.ts';
import { messageFunctions } from './message-functions.ts';
import { priceFunctions } from './price-functions.ts';
import { readBy } from './reads.ts';
import type { ApiSession } from './session.ts';
import type { SystemApiName } from './signatures.ts';
import { SYSTEM_API_SIGNATURES } from './signatures.ts';
import { stableFunctions } from './stable-functions.ts';
import { variableFunctions } from './variable-functions.ts';

type RawValue = number | bigint;
/** As WebAssembly calls it: i32 as a signed number, i64 as a signed bigint. */
export type ImportFunction = (...args: RawValue[]) => RawValue | undefined;

const functions: SystemApiFunctions = {
  ...messageFunctions,
  ...callFunctions,
  ...cyclesFunctions,
  ...stableFunctions,
  ...environmentFunctions,
  ...variableFunctions,
  ...priceFunctions,
};

function argumentOf(letter: string, raw: RawValue): RawValue {
  switch (letter) {
    case 'l':
      return BigInt.asUintN(64, raw as bigint);
    case 'E':
      return typeof raw === 'bigint' ? BigInt.asUintN(64, raw) : BigInt(raw >>> 0);
    case 'I':
      // Beyond 2^53 the number is rounded but still far outside of any memory: see `wideArguments`.
      return typeof raw === 'bigint' ? Number(BigInt.asUintN(64, raw)) : raw >>> 0;
    default:
      return (raw as number) >>> 0;
  }
}

function resultOf(
  letter: string,
  value: RawValue | undefined,
  memory64: boolean,
): RawValue | undefined {
  return letter === 'I' && memory64 ? BigInt(value as number) : value;
}

function requireAllowed(session: ApiSession, name: SystemApiName): void {
  const { context } = session.input;
  if (!isAllowedIn(name, context)) {
    throw forbidden(name, context);
  }
}

const NO_WIDE_ARGUMENTS: readonly bigint[] = [];

/** Whether a number would round it. */
function isWide(raw: RawValue): raw is bigint {
  return typeof raw === 'bigint' && (raw < 0n || raw > Number.MAX_SAFE_INTEGER);
}

/** The arguments as the canister gave them, where numbers would round them. */
function wideArguments(raw: readonly RawValue[]): readonly bigint[] {
  return raw.some(isWide)
    ? raw.filter(isWide).map((value) => BigInt.asUintN(64, value))
    : NO_WIDE_ARGUMENTS;
}

function importFunction(
  name: SystemApiName,
  memory64: boolean,
  session: () => ApiSession,
): ImportFunction {
  const [letters = '', result = ''] = SYSTEM_API_SIGNATURES[name].split('>');
  const cost = costOf(name);
  const read = readBy(name);
  const implementation = functions[name] as (
    session: ApiSession,
    ...args: RawValue[]
  ) => RawValue | undefined;
  return (...raw) => {
    const current = session();
    if (memory64) {
      current.wideArguments = wideArguments(raw);
    }
    for (let i = 0; i < letters.length; i += 1) {
      raw[i] = argumentOf(letters[i] as string, raw[i] as RawValue);
    }
    current.charge(cost(current, raw));
    requireAllowed(current, name);
    if (read !== undefined) {
      current.reads.add(read);
    }
    return resultOf(result, implementation(current, ...raw), memory64);
  };
}

/**
 * The module `ic0` for an instance. `session` answers with the run that is going on. Functions
 * throw `CanisterTrap` when the canister breaks a rule; the caller of the instance catches it.
 */
export function createSystemApi(
  memory64: boolean,
  session: () => ApiSession,
): Readonly<Record<SystemApiName, ImportFunction>> {
  const names = Object.keys(SYSTEM_API_SIGNATURES) as SystemApiName[];
  return Object.fromEntries(
    names.map((name) => [name, importFunction(name, memory64, session)]),
  ) as Record<SystemApiName, ImportFunction>;
}
