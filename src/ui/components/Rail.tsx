import type { Door } from '../store/ui-store.ts';
import { useUi } from '../services.tsx';
import { Icon } from './icons.tsx';

const ENTRIES: readonly (readonly [Door, string])[] = [
  ['observe', 'Observe'],
  ['build', 'Build'],
  ['learn', 'Learn'],
  ['present', 'Present'],
  ['networks', 'Networks'],
  ['honesty', 'Honesty'],
];

export function Rail() {
  const door = useUi((state) => state.door);
  return (
    <nav className="rail" aria-label="Doors">
      {ENTRIES.map(([name, label]) => (
        <a
          key={name}
          href={`#/${name}`}
          className="rail-entry"
          aria-current={door === name ? 'page' : undefined}
        >
          <Icon name={name} size={20} />
          {label}
        </a>
      ))}
    </nav>
  );
}
