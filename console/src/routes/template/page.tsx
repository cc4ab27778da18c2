import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useClient, useSubscription } from 'urql';
import type { TemplatePageQuery } from '../../graphql/graphql';
import { Bubble } from '../../shared/bubble';
import { words as said } from '../../shared/errors';
import { Go, GoButton } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useLiveQuery } from '../../shared/live';
import { MenuButton } from '../../shared/menu';
import { useStore } from '../../shared/store';
import { useTemplateWords } from '../../shared/template-words';
import { tongue } from '../../shared/tongue';
import { Copy, Empty, Grid, Lines, Page, Panel, Refused, Rows, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import styles from '../templates/templates.module.css';

const Delete = lazy(() => import('./delete'));
const Duplicate = lazy(() => import('./duplicate'));

const TemplateDocument = graphql(`
  query TemplatePage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Template {
        name language category comingCategory status rejectionReason qualityScore parameterFormat messageTtlSeconds
        account { id name }
        parameters { name kind example }
        preview { ...Bubble }
        translations { id language status }
        history { at actor field from to reason }
        campaigns(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }
      }
    }
  }
`);

const ChangedDocument = graphql(`
  subscription TemplateChanged {
    statusChanged { __typename ... on Template { id status } }
  }
`);

const SubmitDocument = graphql(`
  mutation SubmitDraft($input: SubmitTemplateInput!) {
    submitTemplate(input: $input) {
      template { id status rejectionReason }
      userErrors { field code message }
    }
  }
`);

type Template = Extract<NonNullable<TemplatePageQuery['node']>, { __typename: 'Template' }>;

const route = getRouteApi('/inside/templates/$id');

const editable = ['DRAFT', 'APPROVED', 'REJECTED', 'PAUSED'];

// Template is one template: what people get, what WhatsApp says of it, and what became of it.
const TemplatePage = () => {
  const { t } = useLingui();
  const client = useClient();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const may = useMay('CAMPAIGNER');
  const { id } = route.useParams();
  const [{ data, error }, read] = useLiveQuery({ query: TemplateDocument, variables: { id } });
  useSubscription({ query: ChangedDocument }, (_, news) => {
    if (news.statusChanged.__typename === 'Template' && news.statusChanged.id === id) void read();
    return news;
  });
  const [asking, setAsking] = useState<'delete' | 'duplicate'>();
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string>();
  if (error && !data) return <Trouble error={error} again={read} />;
  const template = data?.node?.__typename === 'Template' ? data.node : undefined;
  if (!template) return <Lines count={8} />;

  const submit = async () => {
    setBusy(true);
    const { data: sent, error: not } = await client.mutation(SubmitDocument, { input: { templateId: id } }).toPromise();
    setBusy(false);
    setWrong(
      not
        ? said(not, t`The service does not answer. Nothing is lost: try again in a moment.`)
        : sent?.submitTemplate.userErrors.map(e => e.message).join(' ') || undefined,
    );
    void read();
  };
  const state = words.status(template.status);
  const gone = template.status === 'DELETED' || template.status === 'PENDING_DELETION';
  return (
    <Page
      title={template.name}
      actions={
        may && (
          <>
            {editable.includes(template.status) && (
              <GoButton to="/templates/$id/edit" params={{ id }} size="xs" variant="default">
                <Trans>Change</Trans>
              </GoButton>
            )}
            {template.status === 'DRAFT' && (
              <Button size="xs" loading={busy} onClick={submit}>
                <Trans>Submit for review</Trans>
              </Button>
            )}
            <MenuButton
              size="xs"
              variant="default"
              rightSection={<Icon name="chevron" size={14} />}
              entries={[
                { label: t`Copy into another language…`, act: () => setAsking('duplicate') },
                ...(gone || template.status === 'DISABLED'
                  ? []
                  : [{ label: t`Delete…`, act: () => setAsking('delete') }]),
              ]}
            >
              <Trans>More</Trans>
            </MenuButton>
          </>
        )
      }
    >
      <Refused>{wrong}</Refused>
      <Group gap="md">
        <State tone={state.tone}>{state.text}</State>
        <Text size="sm" c="dimmed">
          {state.advice}
        </Text>
      </Group>
      {template.status === 'REJECTED' && (
        <Alert color="red" variant="light" icon={<Icon name="alert" />} title={t`WhatsApp refused it`}>
          {template.rejectionReason ?? t`It did not say why.`}
        </Alert>
      )}
      {template.comingCategory && (
        <Alert color="yellow" variant="light" icon={<Icon name="alert" />}>
          {t`WhatsApp makes it ${words.category(template.comingCategory).text} soon.`}
        </Alert>
      )}
      <Languages template={template} />
      <Grid>
        <Panel title={t`As people see it`}>
          <Bubble preview={template.preview} />
        </Panel>
        <Panel title={t`Details`}>
          <Details template={template} spoken={spoken} />
        </Panel>
        <Panel title={t`Used by`}>
          {template.campaigns.edges.length === 0 ? (
            <Empty>
              <Trans>No campaign that is not over uses it.</Trans>
            </Empty>
          ) : (
            <Rows>
              {template.campaigns.edges.map(({ node }) => (
                <li key={node.id}>
                  <Go to="/campaigns/$id" params={{ id: node.id }}>
                    <bdi>{node.name}</bdi>
                  </Go>
                </li>
              ))}
            </Rows>
          )}
        </Panel>
        <Panel title={t`What happened`}>
          <History template={template} />
        </Panel>
      </Grid>
      <Suspense>
        {asking === 'delete' && <Delete template={template} onClose={() => setAsking(undefined)} />}
        {asking === 'duplicate' && <Duplicate template={template} onClose={() => setAsking(undefined)} />}
      </Suspense>
    </Page>
  );
};

const Languages = ({ template }: { template: Template }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const all = [{ id: template.id, language: template.language, status: template.status }, ...template.translations];
  return (
    <ul className={styles.chips} aria-label={t`Languages`}>
      {all.map(one => (
        <li key={one.id}>
          <Link to="/templates/$id" params={{ id: one.id }} className={styles.chip}>
            {tongue(one.language, spoken)}
            <State tone={words.status(one.status).tone}>{words.status(one.status).text}</State>
          </Link>
        </li>
      ))}
    </ul>
  );
};

const Details = ({ template, spoken }: { template: Template; spoken: string }) => {
  const { t } = useLingui();
  const words = useTemplateWords();
  const facts: [string, string | null | undefined][] = [
    [t`Language`, `${tongue(template.language, spoken)} (${template.language})`],
    [t`Category`, words.category(template.category).text],
    [t`Quality`, words.quality(template.qualityScore).text],
    [t`Account`, template.account.name],
    [t`Values to give`, template.parameters.map(p => p.name).join(', ')],
    [t`Worth delivering for`, template.messageTtlSeconds ? t`${template.messageTtlSeconds} seconds` : undefined],
    [t`Id`, template.id],
  ];
  return (
    <Rows>
      {facts.flatMap(([name, value]) =>
        value
          ? [
              <li key={name}>
                <Text size="xs" c="dimmed">
                  {name}
                </Text>
                <Group gap={4} wrap="nowrap">
                  <Text size="sm">{value}</Text>
                  {value === template.id && <Copy text={value} label={t`Copy the id`} />}
                </Group>
              </li>,
            ]
          : [],
      )}
    </Rows>
  );
};

const History = ({ template }: { template: Template }) => {
  const { t } = useLingui();
  const me = useMe();
  const words = useTemplateWords();
  const fields: Record<string, string> = {
    status: t`Status`,
    category: t`Category`,
    comingCategory: t`Announced category`,
    qualityScore: t`Quality`,
    messageTtlSeconds: t`Worth delivering for`,
    components: t`Content`,
  };
  const value = (field: string, raw: string | null | undefined): string => {
    if (!raw) return '';
    const named: Record<string, () => string | undefined> = {
      status: () => words.status(raw as Template['status'])?.text,
      category: () => words.category(raw as Template['category'])?.text,
      comingCategory: () => words.category(raw as Template['category'])?.text,
      qualityScore: () => words.quality(raw as Template['qualityScore'])?.text,
      components: () => '',
    };
    return named[field]?.() ?? raw;
  };
  if (template.history.length === 0)
    return (
      <Empty>
        <Trans>Nothing has changed yet.</Trans>
      </Empty>
    );
  return (
    <Rows>
      {template.history.map((change, i) => {
        const [from, to] = [value(change.field, change.from), value(change.field, change.to)];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: they have no ids
          <li key={i}>
            <Stack gap={2}>
              <Text size="sm">
                {fields[change.field] ?? change.field}
                {to && `: ${from && `${from} → `}${to}`}
              </Text>
              {change.reason && <Text size="sm">{change.reason}</Text>}
              <Text size="xs" c="dimmed">
                {change.actor} · <When time={change.at} zone={me.zone} />
              </Text>
            </Stack>
          </li>
        );
      })}
    </Rows>
  );
};

export default TemplatePage;
