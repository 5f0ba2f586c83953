export function run(): i32 {
  const map = new Map<i32, i32>();
  let x: u32 = 1;
  for (let i = 0; i < 60000; i++) { x = x * 1664525 + 1013904223; const key = <i32>(x >>> 18); map.set(key, (map.has(key) ? map.get(key) : 0) + i); }
  let sum = 0;
  const keys = map.keys();
  for (let i = 0; i < keys.length; i++) sum ^= map.get(keys[i]);
  return sum;
}
