// The session's token. It is sent in a header and never in a cookie, so no other site can use it;
// and the content security policy keeps foreign scripts from reading it.
import { store } from './store';
import { kept } from './stored';

const key = 'session';
const token = store<string | null>(kept.get(key));

export const session = {
  ...token,
  set(next: string | null) {
    kept.set(key, next);
    token.set(next);
  },
};

// Who signs out in one tab has signed out in all.
if (typeof addEventListener === 'function') {
  addEventListener('storage', event => {
    if (event.key === `carillon.${key}` || event.key === null) token.set(kept.get(key));
  });
}

// pathOf is a place of the console, and nothing else: a link may not send who signs in elsewhere.
export const pathOf = (next: unknown): string | undefined =>
  typeof next === 'string' && /^\/(?![/\\])/.test(next) && !/[\s\p{Cc}]/u.test(next) ? next : undefined;
