import { bytesToHex } from '../../base/hex.ts';
import { CopyText } from '../components/CopyText.tsx';
import { typeInWords } from '../components/SubnetTabs.tsx';
import { useProjection, useServices } from '../services.tsx';
import { quorumOf, subnetOf } from '../store/derive.ts';
import { principalText, shortHash, shortPrincipal } from '../store/format.ts';
import { useNodeReports } from '../store/use-node-reports.ts';
import { backendInWords } from './crypto-words.ts';

/** What holds for the whole subnet: shown while nothing is selected. */
export function SubnetFacts() {
  const { network } = useServices();
  const subnet = useProjection(subnetOf);
  const isAlone = network.topology().subnets.length === 1;
  const { size, tolerated } = useProjection(quorumOf);
  const backends = new Set(useNodeReports().flatMap(({ load }) => load?.blsBackend ?? []));
  const rootKey = bytesToHex(network.rootKey());
  return (
    <dl className="fields">
      <dt>Subnet</dt>
      <dd>
        <CopyText full={principalText(subnet.subnetId)} short={shortPrincipal(subnet.subnetId)} />
      </dd>
      {isAlone ? null : (
        <>
          <dt>Kind</dt>
          <dd>{typeInWords(subnet.type)}</dd>
        </>
      )}
      <dt>Tolerates</dt>
      <dd>
        {tolerated} of {size} nodes faulty
      </dd>
      <dt>Key interval</dt>
      <dd>{subnet.dkgIntervalLength} blocks</dd>
      <dt>Signatures</dt>
      <dd data-testid="bls-backend">
        {[...backends].map(backendInWords).join(' and ') || 'asking the nodes'}
      </dd>
      <dt>Root key</dt>
      <dd>
        <CopyText full={rootKey} short={shortHash(rootKey)} />
      </dd>
    </dl>
  );
}
