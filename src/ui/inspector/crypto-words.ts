const BACKENDS: Readonly<Record<string, string>> = {
  'mcl-bls12-381': 'BLS12-381 in WebAssembly (mcl)',
  'noble-bls12-381': 'BLS12-381 in JavaScript (noble)',
};

/** A library of `NodeLoad.blsBackend` for readers. */
export function backendInWords(name: string): string {
  return BACKENDS[name] ?? name;
}
