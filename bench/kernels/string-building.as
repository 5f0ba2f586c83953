export function run(): i32 {
  let total = 0;
  for (let round = 0; round < 40; round++) {
    let text = '';
    for (let i = 0; i < 400; i++) text += i.toString() + ';';
    const parts = text.split(';');
    for (let i = 0; i < parts.length; i++) total += parts[i].length;
    total += text.indexOf('399;');
  }
  return total;
}
