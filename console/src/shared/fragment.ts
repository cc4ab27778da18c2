// takeToken takes a link's token out of the address, where it would stay in the history.
export const takeToken = (): string | null => {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return found?.trim() || null;
};
