export function run(): i32 {
  const list = new Array<i32>(60000);
  let x: u32 = 7;
  for (let i = 0; i < list.length; i++) { x = x * 1664525 + 1013904223; list[i] = <i32>x; }
  list.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return list[30000];
}
