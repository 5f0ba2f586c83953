// 800! in limbs of 32 bits, then its digits' sum by repeated division.
export function run(): i32 {
  const limbs = new Uint32Array(256);
  limbs[0] = 1;
  let used = 1;
  for (let n: u64 = 2; n <= 800; n++) {
    let carry: u64 = 0;
    for (let i = 0; i < used; i++) { const t = <u64>limbs[i] * n + carry; limbs[i] = <u32>t; carry = t >> 32; }
    if (carry != 0) limbs[used++] = <u32>carry;
  }
  let sum = 0;
  while (used > 0) {
    let rest: u64 = 0;
    for (let i = used - 1; i >= 0; i--) { const t = (rest << 32) | limbs[i]; limbs[i] = <u32>(t / 1000000000); rest = t % 1000000000; }
    while (rest > 0) { sum += <i32>(rest % 10); rest /= 10; }
    while (used > 0 && limbs[used - 1] == 0) used--;
  }
  return sum;
}
