/** House rules that oxlint has no switch for. Applied to the core (src/protocol, src/base). */

const IMPURE_GLOBALS = new Map([
  ['Date', 'time comes in as a clock reading'],
  ['Intl', 'its results depend on the host'],
  ['WeakRef', 'garbage collection is not deterministic'],
  ['FinalizationRegistry', 'garbage collection is not deterministic'],
  ['Atomics', 'the core is single threaded'],
  ['SharedArrayBuffer', 'the core is single threaded'],
  ['console', 'facts go into the trace'],
]);

const IMPURE_MEMBERS = new Map([
  ['Math.random', 'use the seeded generator of base/prng.ts'],
  ['localeCompare', 'use compareText or compareBytes'],
]);

const pureCore = {
  meta: { type: 'problem' },
  create(context) {
    const report = (node, name, why) =>
      context.report({ node, message: `${name} is not allowed in the core: ${why}` });
    const checkAsync = (node) => {
      if (node.async) {
        report(node, 'an async function', 'the core is synchronous');
      }
    };
    return {
      FunctionDeclaration: checkAsync,
      FunctionExpression: checkAsync,
      ArrowFunctionExpression: checkAsync,
      NewExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Error') {
          report(node, 'a bare Error', 'return a Result or assert an invariant');
        }
        checkGlobal(node.callee, report);
      },
      CallExpression(node) {
        checkGlobal(node.callee, report);
      },
      MemberExpression(node) {
        checkGlobal(node.object, report);
        const property = node.property.type === 'Identifier' ? node.property.name : '';
        const object = node.object.type === 'Identifier' ? node.object.name : '';
        const why = IMPURE_MEMBERS.get(`${object}.${property}`) ?? IMPURE_MEMBERS.get(property);
        if (why !== undefined) {
          report(node, property, why);
        }
      },
    };
  },
};

function checkGlobal(node, report) {
  if (node.type === 'Identifier' && IMPURE_GLOBALS.has(node.name)) {
    report(node, node.name, IMPURE_GLOBALS.get(node.name));
  }
}

export default { meta: { name: 'house' }, rules: { 'pure-core': pureCore } };
