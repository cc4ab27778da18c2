import { Trans, useLingui } from '@lingui/react/macro';
import { Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useSubscription } from 'urql';
import type { CampaignProgressFieldsFragment } from '../../graphql/graphql';
import { Bar } from '../../shared/bar';
import { useCampaignWords } from '../../shared/campaign-words';
import { number, span } from '../../shared/format';
import { Go } from '../../shared/go';
import { type FragmentType, graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { ProgressFragment } from '../../shared/progress';
import { useStore } from '../../shared/store';
import { State, When } from '../../shared/ui';
import { useMe } from '../../shared/viewer';

const RunningFragment = graphql(`
  fragment RunningCampaign on Campaign {
    id name status statusReason scheduledAt
    progress { ...CampaignProgressFields }
  }
`);

const FollowDocument = graphql(`
  subscription FollowCampaign($id: ID!) {
    campaignProgress(campaignId: $id) {
      status
      progress { ...CampaignProgressFields }
    }
  }
`);

// Running is one campaign with its counts as they change.
export const Running = ({ campaign: masked }: { campaign: FragmentType<typeof RunningFragment> }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const campaign = read(RunningFragment, masked);
  const words = useCampaignWords();
  const [live, setLive] = useState<CampaignProgressFieldsFragment>();
  const moves = campaign.status === 'RUNNING' || campaign.status === 'PREPARING';
  useSubscription({ query: FollowDocument, variables: { id: campaign.id }, pause: !moves }, (_, news) => {
    setLive(read(ProgressFragment, news.campaignProgress.progress));
    return news;
  });
  const progress = live ?? read(ProgressFragment, campaign.progress);
  const status = words.status(campaign.status);
  return (
    <li>
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Go to="/campaigns/$id" params={{ id: campaign.id }}>
            <bdi>{campaign.name}</bdi>
          </Go>
          <State tone={status.tone}>{status.text}</State>
        </Group>
        {campaign.status === 'SCHEDULED' && campaign.scheduledAt ? (
          <Text size="xs" c="dimmed">
            <Trans>
              Starts <When time={campaign.scheduledAt} zone={me.zone} />
            </Trans>
          </Text>
        ) : (
          <>
            <Bar progress={progress} name={campaign.name} />
            <Text size="xs" c="dimmed">
              {t`${number(progress.total - progress.queued, spoken)} of ${number(progress.total, spoken)} people`}
              {progress.ratePerSecond > 0 && ` · ${t`${number(Math.round(progress.ratePerSecond), spoken)} a second`}`}
              {moves && progress.etaSeconds != null && ` · ${t`${span(progress.etaSeconds, spoken)} left`}`}
            </Text>
          </>
        )}
      </Stack>
    </li>
  );
};
