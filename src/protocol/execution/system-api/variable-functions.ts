import { decodeUtf8, encodeUtf8 } from '../../../base/utf8.ts';
import { MAX_ENVIRONMENT_VARIABLE_BYTES } from '../../limits/execution.ts';
import { plainViolation, userViolation } from './canister-trap.ts';
import type { SystemApiFunctions } from './functions.ts';
import type { ApiSession } from './session.ts';

type VariableNames =
  `env_var_${'count' | 'name_copy' | 'name_exists' | 'name_size' | 'value_copy' | 'value_size'}`;

function nameAt({ input: { environment } }: ApiSession, index: number): Uint8Array {
  const variable = environment[index];
  if (variable === undefined) {
    throw plainViolation(
      `Environment variable index ${index} is out of bounds. The number of environment variables is ${environment.length}.`,
    );
  }
  return encodeUtf8(variable[0]);
}

/** @param part what the name's place is called in errors */
function readName(
  session: ApiSession,
  [call, part]: readonly [call: string, part: string],
  source: number,
  size: number,
): string {
  if (size > MAX_ENVIRONMENT_VARIABLE_BYTES) {
    throw userViolation(`ic0.${call}: Variable name is too large.`);
  }
  const name = decodeUtf8(session.heapRange(`ic0.${call} ${part}`, source, size));
  if (name === undefined) {
    throw userViolation(
      `ic0.${call}: Variable name is not a valid UTF-8 string.`,
      'Provide a valid UTF-8 string for the environment variable name.',
    );
  }
  return name;
}

function find({ input: { environment } }: ApiSession, wanted: string): string | undefined {
  return environment.find(([name]) => name === wanted)?.[1];
}

function valueOf(session: ApiSession, name: string): Uint8Array {
  const value = find(session, name);
  if (value === undefined) {
    throw plainViolation(`Environment variable ${name} not found.`);
  }
  return encodeUtf8(value);
}

/** The environment variables of the canister's settings. */
export const variableFunctions: SystemApiFunctions<VariableNames> = {
  env_var_count: ({ input }) => input.environment.length,
  env_var_name_copy: (session, index, target, offset, size) => {
    const name = nameAt(session, index);
    session.copyToHeap(['env_var_name_copy', 'name'], name, target, offset, size);
  },
  env_var_name_exists: (session, source, size) => {
    const name = readName(session, ['env_var_name_exists', 'heap'], source, size);
    return find(session, name) === undefined ? 0 : 1;
  },
  env_var_name_size: (session, index) => nameAt(session, index).length,
  env_var_value_copy: (session, source, nameSize, target, offset, size) => {
    const name = readName(session, ['env_var_value_copy', 'name'], source, nameSize);
    const value = valueOf(session, name);
    session.copyToHeap(['env_var_value_copy', 'value'], value, target, offset, size);
  },
  env_var_value_size: (session, source, size) => {
    const name = readName(session, ['env_var_value_size', 'heap'], source, size);
    return valueOf(session, name).length;
  },
};
