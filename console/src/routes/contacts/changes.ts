import type { UpdateContactInput } from '../../graphql/graphql';

type Known = {
  name?: string | null;
  language?: string | null;
  timeZone?: string | null;
  tags: readonly string[];
  lists: readonly { id: string }[];
  attributes: readonly { key: string; value: string }[];
};

type Wanted = {
  name: string;
  language: string;
  timeZone: string;
  tags: string[];
  lists: string[];
  attributes: { key: string; value: string }[];
};

// changesOf is what is to be said to the service so that the known becomes the wanted: what is as it
// was is left out, so that nobody else's change is undone.
export const changesOf = (known: Known, wanted: Wanted): Omit<UpdateContactInput, 'contactId'> => {
  const changes: Omit<UpdateContactInput, 'contactId'> = {};
  for (const field of ['name', 'language', 'timeZone'] as const) {
    if ((known[field] ?? '') !== wanted[field]) changes[field] = wanted[field];
  }

  const lists = known.lists.map(list => list.id);
  const values = wanted.attributes.filter(({ key }) => key.trim());
  const more: Record<string, unknown[]> = {
    addTags: wanted.tags.filter(tag => !known.tags.includes(tag)),
    removeTags: known.tags.filter(tag => !wanted.tags.includes(tag)),
    addListIds: wanted.lists.filter(id => !lists.includes(id)),
    removeListIds: lists.filter(id => !wanted.lists.includes(id)),
    setAttributes: values.filter(({ key, value }) => known.attributes.find(one => one.key === key)?.value !== value),
    removeAttributes: known.attributes.map(({ key }) => key).filter(key => !values.some(one => one.key === key)),
  };
  for (const [field, list] of Object.entries(more)) if (list.length > 0) Object.assign(changes, { [field]: list });
  return changes;
};
