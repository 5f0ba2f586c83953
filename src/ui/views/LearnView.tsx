/** Experiments to try; there are no guided lessons. */
export function LearnView() {
  return (
    <main className="page" id="main" tabIndex={0}>
      <h2 className="page-title">Experiments</h2>
      <p className="lead">
        There are no guided lessons. Each of these takes a minute, on the real network of this tab:
      </p>
      <ol className="experiments">
        <li className="card">
          <h3>Lose one node</h3>
          <p>
            In <a href="#/observe">Observe</a>, press <kbd>1</kbd>, then <kbd>K</kbd>. Three of four
            nodes go on finalizing. Restart it and watch it reach the same state root.
          </p>
        </li>
        <li className="card">
          <h3>Lose one node too many</h3>
          <p>
            Kill two of four. Nothing is finalized any more, and nothing wrong happens either: three
            signatures are needed. Restart one, and the subnet resumes.
          </p>
        </li>
        <li className="card">
          <h3>Let a node lie</h3>
          <p>
            Open <i>Faults</i> beside the ring and tick <i>Two blocks at once</i> for Node 1. The
            feed says who caught it, and by which rule. Undo it with <kbd>H</kbd>.
          </p>
        </li>
        <li className="card">
          <h3>Split the network</h3>
          <p>
            Press <kbd>P</kbd>, click nodes to change their side, then split. Two and two is
            nobody’s majority: the subnet waits until <kbd>H</kbd> heals it.
          </p>
        </li>
        <li className="card">
          <h3>Add a member</h3>
          <p>
            Open a network with <a href="?nodes=4&spares=1&dkgInterval=9">a spare node</a>, then{' '}
            <i>Keys</i>, and add Node 5. It fetches the state, the key is dealt anew, and the root
            key stays the same.
          </p>
        </li>
        <li className="card">
          <h3>Lose the root subnet</h3>
          <p>
            Open <a href="?subnets=system:1,application:4">a network of two subnets</a>, deploy the
            counter to Subnet 2, then press <kbd>1</kbd> and <kbd>K</kbd>. The root stands still;
            Subnet 2 goes on, and its answers still verify with the root key.
          </p>
        </li>
        <li className="card">
          <h3>Cut two subnets apart</h3>
          <p>
            There, choose the program <i>Caller</i> in <a href="#/build">Build</a>, deploy it to the
            root subnet and give its <i>ask</i> the counter’s id: the message slides across, and{' '}
            <kbd>C</kbd> shows the call from subnet to subnet. Under <i>Faults</i>, cut the links:
            messages wait in their stream, and each arrives once when they are joined again.
          </p>
        </li>
        <li className="card">
          <h3>Let a node lie to another subnet</h3>
          <p>
            Select a node of Subnet 2, tick <i>Forges messages between subnets</i> under{' '}
            <i>Faults</i>, and ask again. Honest nodes refuse what it says, by a named rule, and the
            answer still comes.
          </p>
        </li>
        <li className="card">
          <h3>Grow the network</h3>
          <p>
            With nothing selected, press <i>Add a subnet</i>. The root subnet writes it into the
            registry, and canisters of the old subnets call those of the new one.
          </p>
        </li>
        <li className="card">
          <h3>Check a signature</h3>
          <p>
            Pause with <kbd>Space</kbd>, click a finalized block, and press Verify. The check runs
            in your browser, on the bytes that the nodes signed.
          </p>
        </li>
        <li className="card">
          <h3>See a trap roll back</h3>
          <p>
            In <a href="#/build">Build</a>, deploy the counter, call increment, then fail. The
            canister adds a thousand and traps; get still answers the old value.
          </p>
        </li>
      </ol>
    </main>
  );
}
