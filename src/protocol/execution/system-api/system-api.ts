import type { EntryContext } from '../../interfaces/wasm-host.ts';
import { forbidden, isAllowedIn } from './contexts.ts';
import { callFunctions } from './call-functions.ts';
import { costOf, loggingCost } from './costs.ts';
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
  if (typeof raw === 'number') {
    return letter === 'E' ? BigInt(raw >>> 0) : raw >>> 0;
  }
  if (letter === 'l' || letter === 'E') {
    return BigInt.asUintN(64, raw);
  }
  // Beyond 2^53 the number is rounded but still far outside of any memory: see `wideArguments`.
  return raw >= 0n ? Number(raw) : Number(BigInt.asUintN(64, raw));
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

/** What each system call does before its own work: pays, and must be allowed. */
function admission(name: SystemApiName): (session: ApiSession, cost: number) => void {
  const read = readBy(name);
  let allowed: EntryContext | null = null;
  return (session, cost) => {
    session.charge(cost);
    const { context } = session.input;
    if (context !== allowed) {
      if (!isAllowedIn(name, context)) {
        throw forbidden(name, context);
      }
      allowed = context;
    }
    if (read !== undefined) {
      session.reads.add(read);
    }
  };
}

type Implementation = (session: ApiSession, ...args: RawValue[]) => RawValue | undefined;

/** As `importFunction`, of three arguments and no result: copies, which are made in loops. Nothing is allocated. */
function importOfThree(
  name: SystemApiName,
  memory64: boolean,
  session: () => ApiSession,
): ImportFunction {
  const [a = '', b = '', c = ''] = SYSTEM_API_SIGNATURES[name];
  const { fixed, perUnit } = costOf(name);
  const [perA = 0, perB = 0, perC = 0] = perUnit;
  const admit = admission(name);
  const implementation = functions[name] as Implementation;
  return (rawA = 0, rawB = 0, rawC = 0) => {
    const current = session();
    if (memory64) {
      const exact = !isWide(rawA) && !isWide(rawB) && !isWide(rawC);
      current.wideArguments = exact ? NO_WIDE_ARGUMENTS : wideArguments([rawA, rawB, rawC]);
    }
    const first = argumentOf(a, rawA);
    const second = argumentOf(b, rawB);
    const third = argumentOf(c, rawC);
    admit(current, fixed + Number(first) * perA + Number(second) * perB + Number(third) * perC);
    return implementation(current, first, second, third);
  };
}

function importFunction(
  name: SystemApiName,
  memory64: boolean,
  session: () => ApiSession,
): ImportFunction {
  const [letters = '', result = ''] = SYSTEM_API_SIGNATURES[name].split('>');
  const { fixed, perUnit, isLogged } = costOf(name);
  if (letters.length === 3 && result === '') {
    return importOfThree(name, memory64, session);
  }
  const admit = admission(name);
  const implementation = functions[name] as Implementation;
  return (...raw) => {
    const current = session();
    if (memory64) {
      current.wideArguments = wideArguments(raw);
    }
    let cost = fixed;
    for (let i = 0; i < letters.length; i += 1) {
      const argument = argumentOf(letters[i] as string, raw[i] as RawValue);
      raw[i] = argument;
      const per = perUnit[i] ?? 0;
      if (per !== 0) {
        cost += Number(argument) * per;
      }
    }
    admit(current, isLogged ? cost + loggingCost(current, Number(raw[1])) : cost);
    const value = implementation(current, ...raw);
    return result === 'I' && memory64 ? BigInt(value as number) : value;
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
