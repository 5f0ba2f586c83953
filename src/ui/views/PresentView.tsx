/** Honest empty state: what a presenter has without scenarios. */
export function PresentView() {
  return (
    <main className="page" id="main" tabIndex={0}>
      <h2 className="page-title">For a talk</h2>
      <p className="lead">
        There are no scripted scenarios, no replay and no theme for projectors. What there is:{' '}
        <a href="#/observe">Observe</a> on a screen. <kbd>Space</kbd> stops the time, <kbd>.</kbd>{' '}
        goes on by one block, and each of the first nine nodes has a number key.
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
