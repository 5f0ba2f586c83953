/** Honest empty state: what a presenter can do until there are scenarios. */
export function PresentView() {
  return (
    <main className="page" id="main" tabIndex={0}>
      <h2 className="page-title">No scenarios yet</h2>
      <p className="lead">
        Scripted scenarios, replay and a projector theme are not built. Until then, Observe works on
        a screen: time can be paused and stepped with the keyboard, and each node has a number key.
      </p>
      <p>
        Scripts can drive this network from the console through{' '}
        <code className="mono">window.subnetarium</code>:
      </p>
      <pre className="code mono" tabIndex={0}>
        {[
          'const { network } = window.subnetarium;',
          'const [node] = network.topology().subnets[0].nodes;',
          'await network.faults.kill(node.nodeId);',
          'await network.clock.step();',
          'await network.snapshot();',
        ].join('\n')}
      </pre>
    </main>
  );
}
