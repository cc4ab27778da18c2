import { useSyncExternalStore } from 'react';

// A value that pages follow.
export const store = <T>(value: T) => {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next: T) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};

export type Store<T> = ReturnType<typeof store<T>>;

export const useStore = <T>(from: Store<T>): T => useSyncExternalStore(from.subscribe, from.get);
