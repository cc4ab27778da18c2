import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Text, TextInput, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useClient } from 'urql';
import type { ContactListPageQuery } from '../../graphql/graphql';
import { type Condition, filterOf, knownOf } from '../../shared/conditions';
import { ContactTabs } from '../../shared/contact-tabs';
import { countryOf, useContactWords } from '../../shared/contact-words';
import { ExportButton } from '../../shared/export';
import { GoButton } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { MenuButton } from '../../shared/menu';
import { usePages } from '../../shared/pages';
import { Count, useInWords } from '../../shared/rule-words';
import { useStore } from '../../shared/store';
import { kept } from '../../shared/stored';
import { Empty, Lines, Page, Panel, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';
import styles from './contacts.module.css';

const ListDocument = graphql(`
  query ContactListPage($filter: ContactFilter!, $after: Cursor) {
    contacts(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {
      edges {
        node {
          id name phone waUserId country language timeZone marketingConsent suppressed tags createdAt
          lists { id name }
          attributes { key value }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ExportDocument = graphql(`
  mutation ExportContacts($input: ExportContactsInput!) {
    exportContacts(input: $input) {
      export { id }
      userErrors { field code message }
    }
  }
`);

const Rule = lazy(() => import('../../shared/rule'));
const ContactPanel = lazy(() => import('./panel'));
const NewContact = lazy(() => import('./new-contact'));

type Contact = ContactListPageQuery['contacts']['edges'][number]['node'];

const route = getRouteApi('/inside/contacts');

const columns = ['consent', 'country', 'language', 'lists', 'tags', 'added', 'zone'] as const;
type Column = (typeof columns)[number];

const shownFirst: Column[] = ['consent', 'country', 'language', 'lists'];

const recallColumns = (): Column[] => {
  const found = kept.get('contact-columns')?.split(',');
  return found ? columns.filter(column => found.includes(column)) : shownFirst;
};

// Contacts are the people of the organization: found by name, number and rule.
const Contacts = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const client = useClient();
  const inWords = useInWords();
  const may = useMay('CAMPAIGNER');
  const { find, rule: asked = [], open } = route.useSearch();
  const rule = knownOf(asked);
  const [typed, setTyped] = useState(find ?? '');
  const [filtering, setFiltering] = useState(false);
  const [making, setMaking] = useState(false);
  const [shown, setShown] = useState(recallColumns);
  const filter = { ...filterOf(rule), ...(find ? { search: find } : {}) };
  const list = usePages({ query: ListDocument, variables: { filter, after: null }, of: data => data.contacts });

  const go = (change: { find?: string | undefined; rule?: Condition[]; open?: string | undefined }) => {
    const next = { find, rule, open, ...change };
    return navigate({
      to: '/contacts',
      search: {
        ...(next.find ? { find: next.find } : {}),
        ...(next.rule.length ? { rule: next.rule } : {}),
        ...(next.open ? { open: next.open } : {}),
      },
      replace: !('open' in change),
    });
  };
  const later = useDebouncedCallback((text: string) => go({ find: text.trim() || undefined }), 300);
  const names = useColumnNames();
  const begin = async () => {
    const answer = await client.mutation(ExportDocument, { input: { filter } }).toPromise();
    return { error: answer.error, payload: answer.data?.exportContacts };
  };

  return (
    <Page
      title={t`Contacts`}
      actions={
        may && (
          <>
            <Button size="xs" variant="default" onClick={() => setMaking(true)}>
              <Trans>New contact</Trans>
            </Button>
            <GoButton to="/contacts/import" size="xs">
              <Trans>Import a file</Trans>
            </GoButton>
          </>
        )
      }
    >
      <ContactTabs />
      <Group gap="xs">
        <TextInput
          className={styles.find}
          aria-label={t`Name or number`}
          placeholder={t`Name or number`}
          value={typed}
          onChange={event => {
            setTyped(event.currentTarget.value);
            later(event.currentTarget.value);
          }}
        />
        <Button
          variant="default"
          leftSection={<Icon name="filter" size={16} />}
          aria-expanded={filtering}
          onClick={() => setFiltering(!filtering)}
        >
          <Trans>Filter</Trans>
        </Button>
        <MenuButton
          variant="default"
          entries={columns.map(column => ({
            label: names[column],
            icon: shown.includes(column) ? <Icon name="check" size={16} /> : <span className={styles.blank} />,
            act: () => {
              const next = columns.filter(c => (c === column ? !shown.includes(c) : shown.includes(c)));
              kept.set('contact-columns', next.join(','));
              setShown(next);
            },
          }))}
        >
          <Trans>Columns</Trans>
        </MenuButton>
        <ExportButton key={JSON.stringify(filter)} begin={begin} />
        <div className={styles.count}>
          <Count filter={filter} />
        </div>
      </Group>
      {rule.length > 0 && (
        <ul className={styles.chips} aria-label={t`Filter`}>
          {rule.map((condition, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
            <li key={i} className={styles.chip}>
              <bdi>{inWords(condition)}</bdi>
              <UnstyledButton
                aria-label={t`Take away: ${inWords(condition)}`}
                onClick={() => go({ rule: rule.toSpliced(i, 1) })}
              >
                ×
              </UnstyledButton>
            </li>
          ))}
        </ul>
      )}
      {filtering && (
        <Panel title={t`Who is shown`}>
          <Suspense fallback={<Lines count={2} />}>
            <Rule conditions={rule} onChange={next => go({ rule: next })} />
          </Suspense>
        </Panel>
      )}
      <Panel>
        {list.error && !list.loaded ? (
          <Trouble error={list.error} again={list.again} />
        ) : !list.loaded ? (
          <Lines count={10} />
        ) : list.nodes.length === 0 ? (
          <Empty>
            {find || rule.length > 0 ? (
              <Trans>Nobody fits.</Trans>
            ) : (
              <Trans>Nobody is here yet. Import a file of the people who want to hear from you.</Trans>
            )}
          </Empty>
        ) : (
          <>
            <div className={styles.row} aria-hidden="true">
              <span className={styles.title}>{t`Name or number`}</span>
              {shown.map(column => (
                <span key={column} className={`${styles.title} ${column === 'consent' ? '' : styles.wide}`}>
                  {names[column]}
                </span>
              ))}
            </div>
            <VirtualRows
              label={t`Contacts`}
              nodes={list.nodes}
              keyOf={contact => contact.id}
              more={list.more}
              load={list.load}
              height={58}
            >
              {contact => <Row contact={contact} columns={shown} onOpen={() => go({ open: contact.id })} />}
            </VirtualRows>
          </>
        )}
      </Panel>
      <Suspense>
        {open && <ContactPanel id={open} onClose={() => go({ open: undefined })} onErased={() => list.again()} />}
        {making && (
          <NewContact
            onClose={() => setMaking(false)}
            onDone={id => {
              setMaking(false);
              void list.again();
              void go({ open: id });
            }}
          />
        )}
      </Suspense>
    </Page>
  );
};

const useColumnNames = (): Record<Column, string> => {
  const { t } = useLingui();
  return {
    consent: t`Consent`,
    country: t`Country`,
    language: t`Language`,
    lists: t`Lists`,
    tags: t`Tags`,
    added: t`Added`,
    zone: t`Time zone`,
  };
};

const Row = ({ contact, columns, onOpen }: { contact: Contact; columns: Column[]; onOpen: () => void }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const said = useContactWords();
  const names = useColumnNames();
  const number = contact.phone ?? contact.waUserId ?? contact.id;
  const cell = (column: Column) => {
    if (column === 'consent') {
      if (contact.suppressed) return <State tone="bad">{t`Suppressed`}</State>;
      const { text, tone } = said.consent(contact.marketingConsent);
      return <State tone={tone}>{text}</State>;
    }
    if (column === 'added') return <When time={contact.createdAt} zone={me.zone} />;
    const words: Record<Exclude<Column, 'consent' | 'added'>, string> = {
      country: contact.country ? countryOf(contact.country, spoken) : '',
      language: contact.language ?? '',
      lists: contact.lists.map(list => list.name).join(', '),
      tags: contact.tags.join(', '),
      zone: contact.timeZone ?? '',
    };
    return words[column];
  };
  return (
    <div className={styles.row}>
      <UnstyledButton className={styles.who} onClick={onOpen}>
        <Text size="sm" className={styles.name} lineClamp={1}>
          <bdi>{contact.name ?? number}</bdi>
        </Text>
        {contact.name && (
          <Text size="xs" c="dimmed">
            {number}
          </Text>
        )}
      </UnstyledButton>
      {columns.map(column => (
        <Text key={column} component="div" size="sm" lineClamp={2} className={column === 'consent' ? '' : styles.wide}>
          <VisuallyHidden>{names[column]}: </VisuallyHidden>
          {cell(column)}
        </Text>
      ))}
    </div>
  );
};

export default Contacts;
