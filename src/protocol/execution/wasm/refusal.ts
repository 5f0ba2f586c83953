const FEATURES: Readonly<Record<number, string>> = {
  0x12: 'tail calls support is not enabled',
  0x13: 'tail calls support is not enabled',
  0xfb: 'gc support is not enabled',
  0xfe: 'threads support is not enabled',
};
const EXCEPTION_OPCODES: readonly number[] = [0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f];

/** Why an opcode is refused, in words like the engine's. */
export function refusal(opcode: number): string {
  const feature = FEATURES[opcode];
  if (feature !== undefined) {
    return feature;
  }
  return EXCEPTION_OPCODES.includes(opcode)
    ? 'exceptions support is not enabled'
    : `illegal opcode: 0x${opcode.toString(16)}`;
}
