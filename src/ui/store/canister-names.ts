import { useStore } from 'zustand';
import { useServices } from '../services.tsx';
import { principalText } from './format.ts';

/** The program's name, of canisters that this page deployed. */
export function useCanisterName(canisterId: string): string | undefined {
  const text = principalText(canisterId);
  return useStore(
    useServices().workshop,
    ({ canisters }) => canisters.find((canister) => canister.canisterId === text)?.name,
  );
}
