import type { NodeView } from '../../wire/projection.ts';
import { Choice } from './controls.tsx';

type Behaviour = NodeView['behaviours'][number];
type Withheld = (Behaviour & { readonly kind: 'withhold' })['artifacts'];
type GarbageKind = (Behaviour & { readonly kind: 'garbage' })['what'];

const BLOCKS = [2, 3, 4, 8];
const DELAYS_MS = [1_000, 3_000, 10_000];
const GARBAGE: Readonly<Record<GarbageKind, string>> = {
  packets: 'bytes that are no packet',
  artifacts: 'packets with no artifact in them',
  signatures: 'shares with a wrong signature',
};
const WITHHELD: Readonly<Record<string, Withheld>> = {
  'its votes': ['notarizationShare', 'finalizationShare'],
  'its blocks': ['blockProposal'],
  'its beacon shares': ['randomBeaconShare', 'randomTapeShare'],
  'its certification shares': ['certificationShare', 'catchUpPackageShare'],
};
const BY_SCRIPT = 'what a script chose';

interface AttackOptionsProps {
  readonly behaviour: Behaviour;
  readonly onChange: (behaviour: Behaviour) => void;
}

/** How exactly it breaks the rule, where there is a choice. */
export function AttackOptions({ behaviour, onChange }: AttackOptionsProps) {
  switch (behaviour.kind) {
    case 'equivocate':
      return (
        <Choice
          label="Blocks per height"
          value={behaviour.blocks}
          choices={BLOCKS}
          show={String}
          onChange={(blocks) => onChange({ ...behaviour, blocks })}
        />
      );
    case 'makeBlocksLate':
      return (
        <Choice
          label="Late by"
          value={behaviour.delayMs}
          choices={DELAYS_MS}
          show={(ms) => `${ms / 1000} s`}
          onChange={(delayMs) => onChange({ ...behaviour, delayMs })}
        />
      );
    case 'garbage':
      return (
        <Choice
          label="It sends"
          value={behaviour.what}
          choices={Object.keys(GARBAGE) as readonly GarbageKind[]}
          show={(what) => GARBAGE[what]}
          onChange={(what) => onChange({ ...behaviour, what })}
        />
      );
    case 'withhold':
      return (
        <Choice
          label="It hides"
          value={withheldName(behaviour.artifacts)}
          choices={Object.keys(WITHHELD)}
          show={(name) => name}
          onChange={(name) =>
            onChange({ ...behaviour, artifacts: WITHHELD[name] ?? behaviour.artifacts })
          }
        />
      );
    default:
      return null;
  }
}

function withheldName(artifacts: Withheld): string {
  const found = Object.entries(WITHHELD).find(
    ([, kinds]) =>
      kinds.length === artifacts.length && kinds.every((kind) => artifacts.includes(kind)),
  );
  return found?.[0] ?? BY_SCRIPT;
}
