import type { CampaignOutcome, Consent, ContactFilter } from '../graphql/graphql';

// One condition of a rule, as somebody types it.
export type Condition = {
  field: 'search' | 'consent' | 'lists' | 'country' | 'language' | 'tags' | 'attribute' | 'outcome' | 'created';
  op: 'in' | 'equals' | 'not in' | 'exists' | 'missing' | 'after' | 'before';
  key: string; // of an attribute its key, of an outcome the campaign
  text: string; // values, with commas between them
  errors?: string; // of an outcome: only with these error codes
  buttons?: string; // and only of who pressed one of these
};

export const operators: Record<Condition['field'], Condition['op'][]> = {
  search: ['equals'],
  consent: ['in'],
  lists: ['in'],
  country: ['in'],
  language: ['in'],
  tags: ['equals', 'not in'],
  attribute: ['equals', 'in', 'exists', 'missing'],
  outcome: ['in'],
  created: ['after', 'before'],
};

// once are fields of which a rule has one condition.
export const once: Condition['field'][] = ['search', 'consent', 'lists', 'country', 'language', 'outcome'];

export const conditionOf = (field: Condition['field']): Condition => ({
  field,
  op: operators[field][0] as Condition['op'],
  key: '',
  text: '',
});

// valuesOf are the values of a text, with commas of any script between them. A value that has a
// comma of its own stands in quotes.
export const valuesOf = (text: string): string[] => [
  ...new Set(
    [...text.matchAll(/"([^"]*)"|[^,，、\n"]+/g)].map(([all, quoted]) => (quoted ?? all).trim()).filter(Boolean),
  ),
];

// textOf is a text with these values.
export const textOf = (values: readonly string[]): string =>
  values.map(value => (/[,，、\n]/.test(value) ? `"${value}"` : value)).join(', ');

// toggled is a text with a value more, or less.
export const toggled = (text: string, value: string, on: boolean): string =>
  textOf([...valuesOf(text).filter(other => other !== value), ...(on ? [value] : [])]);

const fits = ({ field, key, text, op }: Condition): boolean => {
  if (field === 'attribute') return !!key && (op === 'exists' || op === 'missing' || !!text.trim());
  if (field === 'outcome') return !!key && valuesOf(text).length > 0;
  return valuesOf(text).length > 0;
};

// filterOf is the rule as the API takes it. What is not written yet says nothing.
export const filterOf = (conditions: readonly Condition[]): ContactFilter => {
  const filter: ContactFilter = {};
  for (const condition of conditions.filter(fits)) {
    const { field, op, key, text } = condition;
    const values = valuesOf(text);
    if (field === 'search') filter.search = text.trim();
    if (field === 'consent') filter.consent = values as Consent[];
    if (field === 'lists') filter.listIds = values;
    if (field === 'country') filter.country = values.map(value => value.toUpperCase());
    if (field === 'language') filter.language = values;
    if (field === 'tags' && op === 'not in') filter.excludeTags = [...(filter.excludeTags ?? []), ...values];
    if (field === 'tags' && op !== 'not in') filter.tags = [...(filter.tags ?? []), ...values];
    if (field === 'created' && op === 'after') filter.createdAfter = `${values[0]}T00:00:00Z`;
    if (field === 'created' && op === 'before') filter.createdBefore = `${values[0]}T00:00:00Z`;
    if (field === 'attribute') {
      const says = { equals: { equals: text.trim() }, in: { in: values }, missing: { exists: false } };
      const more = says[op as keyof typeof says] ?? { exists: true };
      filter.attributes = [...(filter.attributes ?? []), { key, ...more }];
    }
    if (field === 'outcome') {
      const codes = valuesOf(condition.errors ?? '')
        .map(Number)
        .filter(Number.isInteger);
      const buttons = valuesOf(condition.buttons ?? '');
      filter.campaignOutcome = {
        campaignId: key,
        outcome: values as CampaignOutcome[],
        ...(codes.length ? { errorCode: codes } : {}),
        ...(buttons.length ? { button: buttons } : {}),
      };
    }
  }
  return filter;
};

// knownOf keeps those conditions of an address that a rule can have.
export const knownOf = (rule: readonly unknown[]): Condition[] =>
  (rule as Condition[]).filter(
    one =>
      typeof one?.text === 'string' &&
      typeof one.key === 'string' &&
      Object.hasOwn(operators, String(one.field)) &&
      operators[one.field].includes(one.op),
  );

type Rule = readonly { field: string; operator: string; values: readonly string[] }[];

// conditionsOf reads a stored rule back.
export const conditionsOf = (rule: Rule): Condition[] => {
  const found: Condition[] = [];
  for (const { field, operator, values } of rule) {
    const text = operator === 'equals' && field !== 'tags' ? (values[0] ?? '') : textOf(values);
    const [name, key = '', part] = splitField(field);
    if (name === 'campaignOutcome') {
      const of = found.find(c => c.field === 'outcome');
      if (part === 'errorCode' && of) of.errors = text;
      else if (part === 'button' && of) of.buttons = text;
      else found.push({ field: 'outcome', op: 'in', key, text });
    } else if (name === 'attributes') {
      found.push({ field: 'attribute', op: operator as Condition['op'], key, text });
    } else if (name === 'createdAt') {
      found.push({ field: 'created', op: operator as Condition['op'], key: '', text: text.slice(0, 10) });
    } else if (name && Object.hasOwn(operators, name)) {
      const op = name === 'search' ? 'equals' : (operator as Condition['op']);
      found.push({
        field: name as Condition['field'],
        op,
        key: '',
        text: name === 'search' ? (values[0] ?? '') : text,
      });
    }
  }
  return found;
};

// splitField parts attributes.city and campaignOutcome.cmp_1.errorCode. An attribute's key may
// have dots of its own.
const splitField = (field: string): string[] => {
  if (field.startsWith('attributes.')) return ['attributes', field.slice('attributes.'.length)];
  return field.split('.');
};
