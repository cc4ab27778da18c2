import { Trans, useLingui } from '@lingui/react/macro';
import { Group, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useSubscription } from 'urql';
import type { TemplateCategory, TemplateListQuery, TemplateStatus } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { Go, GoButton } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { usePages } from '../../shared/pages';
import { useStore } from '../../shared/store';
import { templateCategories, templateStatuses, useTemplateWords } from '../../shared/template-words';
import { tongue } from '../../shared/tongue';
import { Empty, Lines, Page, Panel, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';
import { byName } from './names';
import styles from './templates.module.css';

const ListDocument = graphql(`
  query TemplateList($filter: TemplateFilter!, $after: Cursor) {
    templates(first: 50, after: $after, filter: $filter, orderBy: [{ field: NAME, direction: ASC }]) {
      edges {
        node {
          id name language category comingCategory status rejectionReason qualityScore updatedAt
          account { id name }
          campaigns(first: 3) { edges { node { id name } } pageInfo { hasNextPage } }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const NewsDocument = graphql(`
  subscription TemplateNews {
    statusChanged { __typename ... on Template { id status } }
  }
`);

type Template = TemplateListQuery['templates']['edges'][number]['node'];

const route = getRouteApi('/inside/templates');

// Templates are listed by name, with the languages of each.
const Templates = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const words = useTemplateWords();
  const may = useMay('CAMPAIGNER');
  const { status, category, search } = route.useSearch();
  const filter = {
    ...(status ? { status: [status] } : { status: templateStatuses }),
    ...(category ? { category: [category] } : {}),
    ...(search ? { search } : {}),
  };
  const list = usePages({ query: ListDocument, variables: { filter, after: null }, of: data => data.templates });
  useSubscription({ query: NewsDocument }, (_, news) => {
    if (news.statusChanged.__typename === 'Template') void list.again();
    return news;
  });
  const [typed, setTyped] = useState(search ?? '');
  const find = (change: { status?: TemplateStatus; category?: TemplateCategory; search?: string }) =>
    navigate({ to: '/templates', search: { status, category, search, ...change }, replace: true });
  const later = useDebouncedCallback((text: string) => find({ search: text.trim() || undefined }), 300);

  return (
    <Page
      title={t`Templates`}
      actions={
        may && (
          <GoButton to="/templates/new" size="xs">
            <Trans>New template</Trans>
          </GoButton>
        )
      }
    >
      <Group gap="xs">
        <TextInput
          aria-label={t`Name of a template`}
          placeholder={t`Name of a template`}
          value={typed}
          onChange={event => {
            setTyped(event.currentTarget.value);
            later(event.currentTarget.value);
          }}
        />
        <Choice
          aria-label={t`Status`}
          any={t`Every status`}
          data={templateStatuses.map(value => ({ value, label: words.status(value).text }))}
          value={status ?? null}
          onChange={value => find({ status: (value as TemplateStatus | null) ?? undefined })}
        />
        <Choice
          aria-label={t`Category`}
          any={t`Every category`}
          data={templateCategories.map(value => ({ value, label: words.category(value).text }))}
          value={category ?? null}
          onChange={value => find({ category: (value as TemplateCategory | null) ?? undefined })}
        />
      </Group>
      <Panel>
        {list.error && !list.loaded ? (
          <Trouble error={list.error} again={list.again} />
        ) : !list.loaded ? (
          <Lines count={8} />
        ) : list.nodes.length === 0 ? (
          <Empty>
            {status || category || search ? (
              <Trans>No template fits.</Trans>
            ) : (
              <Trans>There is no template yet. Write one; WhatsApp mostly reviews it within minutes.</Trans>
            )}
          </Empty>
        ) : (
          <VirtualRows
            label={t`Templates`}
            nodes={byName(list.nodes)}
            keyOf={group => `${group[0]?.account.id}.${group[0]?.name}`}
            more={list.more}
            load={list.load}
            height={84}
          >
            {group => <Name group={group} />}
          </VirtualRows>
        )}
      </Panel>
    </Page>
  );
};

// Name is one name: its languages, each with its status, and where it is used.
const Name = ({ group }: { group: Template[] }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const first = group[0] as Template;
  const used = [...new Map(group.flatMap(one => one.campaigns.edges.map(e => [e.node.id, e.node.name]))).entries()];
  const latest = group
    .map(one => one.updatedAt)
    .toSorted()
    .at(-1) as string;
  const worst = group.find(one => one.qualityScore === 'RED') ?? group.find(one => one.qualityScore === 'YELLOW');
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Go to="/templates/$id" params={{ id: first.id }}>
          <bdi>{first.name}</bdi>
        </Go>
        <Text size="xs" c="dimmed">
          {words.category(first.category).text} · {first.account.name} · <When time={latest} zone={me.zone} />
        </Text>
      </Group>
      <ul className={styles.chips} aria-label={t`Languages of ${first.name}`}>
        {group.map(one => {
          const state = words.status(one.status);
          return (
            <li key={one.id}>
              <Link to="/templates/$id" params={{ id: one.id }} className={styles.chip}>
                {tongue(one.language, spoken)} <State tone={state.tone}>{state.text}</State>
              </Link>
            </li>
          );
        })}
      </ul>
      {(worst || used.length > 0 || group.some(one => one.rejectionReason || one.comingCategory)) && (
        <Stack gap={2}>
          {worst && (
            <State tone={words.quality(worst.qualityScore).tone}>{words.quality(worst.qualityScore).text}</State>
          )}
          {group.map(
            one =>
              one.rejectionReason &&
              one.status === 'REJECTED' && (
                <Text key={one.id} size="sm">
                  {tongue(one.language, spoken)}: {one.rejectionReason}
                </Text>
              ),
          )}
          {group.map(
            one =>
              one.comingCategory && (
                <Text key={one.id} size="sm">
                  {t`WhatsApp makes it ${words.category(one.comingCategory).text} soon.`}
                </Text>
              ),
          )}
          {used.length > 0 && (
            <Text size="xs" c="dimmed">
              {t`Used by`}{' '}
              {used.map(([id, name], i) => (
                <span key={id}>
                  {i > 0 && ', '}
                  <Go to="/campaigns/$id" params={{ id }}>
                    <bdi>{name}</bdi>
                  </Go>
                </span>
              ))}
            </Text>
          )}
        </Stack>
      )}
    </Stack>
  );
};

export default Templates;
