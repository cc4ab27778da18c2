// What a browser keeps for us. It may be full or forbidden; then a page forgets sooner, and works.
export const stored = (where: () => Storage) => ({
  get(key: string): string | null {
    try {
      return where().getItem(`carillon.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string | null) {
    try {
      if (value === null) where().removeItem(`carillon.${key}`);
      else where().setItem(`carillon.${key}`, value);
    } catch {
      // nothing depends on it
    }
  },
});

export const kept = stored(() => localStorage); // by all tabs, until it is taken away
export const tab = stored(() => sessionStorage); // by this tab alone
