// Child process of motoko.ts: compiles the Motoko program on stdin, in a fresh compiler instance
// because a second compile in the same instance gives different bytes.
// Arguments: the file to write, and "classic" for 32-bit memory with stable variables that an
// upgrade writes out and reads back.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { Motoko } = require('motoko/versions/latest/moc.min.js');
const core = require('motoko/packages/latest/core.json');

for (const [path, { content }] of Object.entries(core.files)) {
  Motoko.saveFile(`core/${path}`, content);
}
Motoko.addPackage('core', 'core/');
if (process.argv[3] === 'classic') {
  Motoko.gcFlags('classicOP');
}
Motoko.setPublicMetadata(['candid:service', 'candid:args', 'motoko:stable-types']);
Motoko.saveFile('main.mo', readFileSync(0, 'utf8'));

const { code, diagnostics } = Motoko.compileWasm('ic', 'main.mo');
if (code === null || code === undefined) {
  process.stderr.write(`${JSON.stringify(diagnostics, null, 1)}\n`);
  process.exit(1);
}
writeFileSync(
  process.argv[2],
  JSON.stringify({ wasm: Buffer.from(code.wasm).toString('base64'), candid: code.candid }),
);
