import type { DidArgument, DidInterface } from '../candid/did-types.ts';
import { argumentName, type FormNode } from '../candid/form-model.ts';
import { ValueInput } from './ValueInput.tsx';

interface ArgumentFieldsProps {
  readonly args: readonly DidArgument[];
  readonly types: DidInterface['types'];
  readonly nodes: readonly FormNode[];
  readonly onChange: (nodes: readonly FormNode[]) => void;
}

/** A field for each argument of a call or of an installation. */
export function ArgumentFields({ args, types, nodes, onChange }: ArgumentFieldsProps) {
  return args.map((argument, index) => (
    <ValueInput
      key={index}
      label={argumentName(argument, index)}
      type={argument.type}
      types={types}
      node={nodes[index] ?? { kind: 'fixed' }}
      onChange={(node) => onChange(nodes.with(index, node))}
    />
  ));
}
