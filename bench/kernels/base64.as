const ALPHABET = memory.data<u8>([65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,48,49,50,51,52,53,54,55,56,57,43,47]);
export function run(): i32 {
  const source = new Uint8Array(98304), target = new Uint8Array(131072);
  for (let i = 0; i < source.length; i++) source[i] = <u8>(i * 31);
  let check = 0;
  for (let round = 0; round < 12; round++) {
    let at = 0;
    for (let i = 0; i < source.length; i += 3) {
      const bits = (<u32>source[i] << 16) | (<u32>source[i + 1] << 8) | source[i + 2];
      target[at] = load<u8>(ALPHABET + (bits >> 18)); target[at + 1] = load<u8>(ALPHABET + ((bits >> 12) & 63));
      target[at + 2] = load<u8>(ALPHABET + ((bits >> 6) & 63)); target[at + 3] = load<u8>(ALPHABET + (bits & 63));
      at += 4;
    }
    source[round] = target[round * 100]; check += target[round * 7];
  }
  return check;
}
