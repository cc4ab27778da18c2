import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useClient, useSubscription } from 'urql';
import type { CampaignListQuery, CampaignStatus } from '../../graphql/graphql';
import { Bar } from '../../shared/bar';
import { useCampaignWords } from '../../shared/campaign-words';
import { Choice } from '../../shared/choice';
import { number } from '../../shared/format';
import { Go, GoButton } from '../../shared/go';
import { graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useLiveQuery } from '../../shared/live';
import { ProgressFragment } from '../../shared/progress';
import { useStore } from '../../shared/store';
import { Empty, Lines, Page, Panel, Rows, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';

const ListDocument = graphql(`
  query CampaignList($status: [CampaignStatus!], $search: String, $after: Cursor) {
    campaigns(
      first: 30
      after: $after
      filter: { status: $status, search: $search }
      orderBy: [{ field: CREATED_AT, direction: DESC }]
    ) {
      edges {
        node {
          id name status createdAt
          template { id name language }
          progress { ...CampaignProgressFields }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const NewsDocument = graphql(`
  subscription CampaignNews {
    statusChanged { __typename ... on Node { id } }
  }
`);

export const statuses: CampaignStatus[] = [
  'DRAFT',
  'SCHEDULED',
  'PREPARING',
  'RUNNING',
  'PAUSED',
  'COMPLETED',
  'CANCELED',
  'FAILED',
];

const route = getRouteApi('/inside/campaigns');

type Edges = CampaignListQuery['campaigns']['edges'];

const Campaigns = () => {
  const { t } = useLingui();
  const me = useMe();
  const may = useMay('CAMPAIGNER');
  const client = useClient();
  const spoken = useStore(language);
  const words = useCampaignWords();
  const navigate = useNavigate();
  const { status, search } = route.useSearch();
  const variables = { status: status ? [status] : null, search: search ?? null, after: null };
  const [{ data, error }, again] = useLiveQuery({ query: ListDocument, variables });
  useSubscription({ query: NewsDocument }, (_, news) => {
    again();
    return news;
  });

  // Further pages stand below the first, which alone changes with news.
  const [more, setMore] = useState<Edges>([]);
  const [page, setPage] = useState<CampaignListQuery['campaigns']['pageInfo']>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list
  useEffect(() => {
    setMore([]);
    setPage(undefined);
  }, [status, search]);
  const info = page ?? data?.campaigns.pageInfo;
  const load = async () => {
    const next = await client.query(ListDocument, { ...variables, after: info?.endCursor }).toPromise();
    if (!next.data) return;
    setMore([...more, ...next.data.campaigns.edges]);
    setPage(next.data.campaigns.pageInfo);
  };

  const [typed, setTyped] = useState(search ?? '');
  const find = (change: { status?: CampaignStatus; search?: string }) =>
    navigate({ to: '/campaigns', search: { status, search, ...change }, replace: true });

  const first = data?.campaigns.edges ?? [];
  const seen = new Set(first.map(e => e.node.id));
  const campaigns = [...first, ...more.filter(e => !seen.has(e.node.id))].map(e => e.node);
  return (
    <Page
      title={t`Campaigns`}
      actions={
        may && (
          <GoButton to="/campaigns/new" size="xs">
            <Trans>New campaign</Trans>
          </GoButton>
        )
      }
    >
      <Group gap="xs">
        <TextInput
          aria-label={t`Name of a campaign`}
          placeholder={t`Name of a campaign`}
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
          onKeyDown={event => event.key === 'Enter' && find({ search: typed.trim() || undefined })}
          onBlur={() => find({ search: typed.trim() || undefined })}
        />
        <Choice
          aria-label={t`Status`}
          any={t`Every status`}
          data={statuses.map(value => ({ value, label: words.status(value).text }))}
          value={status ?? null}
          onChange={value => find({ status: (value as CampaignStatus | null) ?? undefined })}
        />
      </Group>
      <Panel>
        {error && !data ? (
          <Trouble error={error} again={again} />
        ) : !data ? (
          <Lines count={6} />
        ) : campaigns.length === 0 ? (
          <Empty>
            {status || search ? (
              <Trans>No campaign fits.</Trans>
            ) : (
              <Trans>There is no campaign yet. Make one once a template is approved and contacts are there.</Trans>
            )}
          </Empty>
        ) : (
          <Rows>
            {campaigns.map(campaign => {
              const progress = read(ProgressFragment, campaign.progress);
              const state = words.status(campaign.status);
              return (
                <li key={campaign.id}>
                  <Stack gap={6}>
                    <Group justify="space-between" gap="xs">
                      <Go to="/campaigns/$id" params={{ id: campaign.id }}>
                        <bdi>{campaign.name}</bdi>
                      </Go>
                      <State tone={state.tone}>{state.text}</State>
                    </Group>
                    {progress.total > 0 && <Bar progress={progress} name={campaign.name} />}
                    <Text size="xs" c="dimmed">
                      {campaign.template.name} ({campaign.template.language}) ·{' '}
                      {progress.total > 0 && <>{t`${number(progress.total, spoken)} people`} · </>}
                      <When time={campaign.createdAt} zone={me.zone} />
                    </Text>
                  </Stack>
                </li>
              );
            })}
          </Rows>
        )}
        {info?.hasNextPage && (
          <Button mt="md" size="xs" variant="default" onClick={load}>
            <Trans>Older ones</Trans>
          </Button>
        )}
      </Panel>
    </Page>
  );
};

export default Campaigns;
