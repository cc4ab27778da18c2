// The API key that the page works with. It is kept until this browser tab is closed.
//
// A link may bring one behind the #, where no server and no log sees it. Anybody can make such a
// link, also to their own organization, so it replaces a kept key only with the user's consent.
import query from './key.graphql';

const name = 'carillon.key';

export const keptKey = () => sessionStorage.getItem(name);

// keyOfLink takes the key out of the address.
const keyOfLink = () => {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (!fragment.has('key')) return null;
  history.replaceState(null, '', location.pathname + location.search);
  return fragment.get('key').trim();
};

// whose asks the API who calls with a key: null for nobody.
const whose = async (url, key) => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` },
    body: JSON.stringify({ query }),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status === 401) return null;
  const { viewer, reader } = (await response.json()).data;
  return viewer && { ...viewer, organization: reader?.organization.name };
};

const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// choose shows a dialog and returns the value of the button that closes it, or '' for Escape.
const choose = (title, content, buttons) =>
  new Promise(done => {
    const dialog = element(
      'dialog',
      { className: 'carillon-key' },
      element('h1', { textContent: title }),
      ...content,
      element('form', { method: 'dialog' }, ...buttons.map(([value, textContent]) => element('button', { value, textContent }))),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      done(dialog.returnValue);
    });
    document.body.append(dialog);
    dialog.showModal();
  });

const refuse = reason =>
  choose('The key of this link is not used', [element('p', { textContent: `${reason} The key that was in use stays.` })], [['', 'Continue']]);

const row = (term, text) => element('div', {}, element('dt', { textContent: term }), element('dd', {}, element('bdi', { textContent: text })));

// allowed is whether the user wants to change to a key, once they saw whose it is.
const allowed = async (url, key) => {
  let owner;
  try {
    owner = await whose(url, key);
  } catch {
    await refuse('Whose it is could not be found out: the API did not answer.');
    return false;
  }
  if (!owner) {
    await refuse('It is not valid: it is mistyped, expired or revoked.');
    return false;
  }

  const answer = await choose(
    'Change to the key of this link?',
    [
      element(
        'dl',
        {},
        row('Organization', owner.organization ?? 'unknown, the key may not read it'),
        owner.apiKey ? row('API key', owner.apiKey.name) : row('Session of', owner.user?.email ?? 'unknown'),
      ),
      element('p', {
        textContent:
          'Another key is in use. Change only if you know who made this link: what you do from then on, you do in the organization above.',
      }),
    ],
    [
      ['', 'Keep the key in use'],
      ['change', 'Change'],
    ],
  );
  return answer === 'change';
};

let last = Promise.resolve();

// takeKeyOfLink returns whether the key in the address became the kept one. Links are asked about
// one after the other.
export const takeKeyOfLink = url => {
  const key = keyOfLink();
  last = last.then(async () => {
    if (!key || key === keptKey()) return false;
    if (keptKey() && !(await allowed(url, key))) return false;
    sessionStorage.setItem(name, key);
    return true;
  });
  return last;
};
