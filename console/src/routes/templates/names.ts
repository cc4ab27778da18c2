// byName puts the languages of one name on one account together; the list comes by name.
export const byName = <T extends { name: string; account: { id: string } }>(templates: readonly T[]): T[][] => {
  const groups = new Map<string, T[]>();
  for (const template of templates) {
    const key = `${template.name} ${template.account.id}`;
    groups.set(key, [...(groups.get(key) ?? []), template]);
  }
  return [...groups.values()];
};
