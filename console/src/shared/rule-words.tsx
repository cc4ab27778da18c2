import { plural } from '@lingui/core/macro';
import { useLingui } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMemo } from 'react';
import { useQuery } from 'urql';
import type { ContactFilter } from '../graphql/graphql';
import { type Condition, valuesOf } from './conditions';
import { countryOf, useContactWords } from './contact-words';
import { words } from './errors';
import { graphql } from './graphql';
import { language } from './i18n';
import styles from './rule.module.css';
import { useStore } from './store';

export const WhereDocument = graphql(`
  query RuleWords {
    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }
    attributeKeys { key contacts examples }
    campaigns(first: 100, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }
  }
`);

const CountDocument = graphql(`
  query RuleCount($filter: ContactFilter!) {
    contacts(first: 1, filter: $filter) { totalCount }
  }
`);

// useRuleNames gives the names of what rules know by its id.
export const useRuleNames = () => {
  const [{ data }] = useQuery({ query: WhereDocument });
  const names = useMemo(
    () =>
      new Map(
        [...(data?.contactLists.edges ?? []), ...(data?.campaigns.edges ?? [])].map(({ node }) => [node.id, node.name]),
      ),
    [data],
  );
  return (id: string) => names.get(id) ?? id;
};

// useInWords says a condition as one reads it.
export const useInWords = () => {
  const said = useContactWords();
  const spoken = useStore(language);
  const nameOf = useRuleNames();
  const value = (field: Condition['field'], raw: string): string => {
    if (field === 'consent') return said.consent(raw as 'UNKNOWN')?.text ?? raw;
    if (field === 'lists') return nameOf(raw);
    if (field === 'country') return countryOf(raw, spoken);
    if (field === 'outcome') return said.outcome(raw as 'READ') ?? raw;
    return raw;
  };
  return ({ field, op, key, text, errors, buttons }: Condition): string => {
    const of = field === 'attribute' ? key : field === 'outcome' ? nameOf(key) : said.field(field);
    const values = field === 'search' ? [text] : valuesOf(text).map(raw => value(field, raw));
    const more = [errors, buttons].filter(Boolean).join(', ');
    return `${of} ${said.op(op)} ${values.join(', ')}${more && ` (${more})`}`.trim();
  };
};

// Count is how many people a rule finds, as it is typed.
export const Count = ({ filter }: { filter: ContactFilter }) => {
  const { t } = useLingui();
  const [asked] = useDebouncedValue(filter, 300);
  const [{ data, error, fetching, stale }] = useQuery({
    query: CountDocument,
    variables: { filter: asked },
    requestPolicy: 'cache-and-network',
  });
  const busy = fetching || stale || JSON.stringify(asked) !== JSON.stringify(filter);
  return (
    <Text size="sm" fw={600} role="status" aria-busy={busy} className={busy ? styles.busy : undefined}>
      {error
        ? words(error, t`The service does not answer.`)
        : data
          ? t`${plural(data.contacts.totalCount, { one: '# person now', other: '# people now' })}`
          : '…'}
    </Text>
  );
};
