import { Trans, useLingui } from '@lingui/react/macro';
import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useCampaignWords } from '../../shared/campaign-words';
import { type FragmentType, graphql, read } from '../../shared/graphql';
import { State, type Tone, When } from '../../shared/ui';
import { useMe } from '../../shared/viewer';

const PausedFragment = graphql(`
  fragment PausedCampaign on Campaign {
    id name status statusReason statusDetail
  }
`);

const AccountFragment = graphql(`
  fragment TroubledAccount on Account {
    id name status statusReason tokenExpiresAt
    health { subject title remedy severity }
    phoneNumbers { id displayNumber qualityRating }
  }
`);

const TemplateFragment = graphql(`
  fragment TroubledTemplate on Template {
    id name language status rejectionReason
  }
`);

const Trouble = ({
  tone,
  title,
  what,
  children,
}: {
  tone: Tone;
  title: string;
  what: string;
  children?: ReactNode;
}) => (
  <li>
    <Stack gap={4}>
      <Text size="sm" fw={600} lineClamp={2}>
        <bdi>{title}</bdi>
      </Text>
      <State tone={tone}>{what}</State>
      {children && (
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      )}
    </Stack>
  </li>
);

type Found = {
  campaigns: FragmentType<typeof PausedFragment>[];
  accounts: FragmentType<typeof AccountFragment>[];
  templates: FragmentType<typeof TemplateFragment>[];
};

const soon = 14 * 86_400_000;

// useTroubles are what stands still, each with its reason and what to do.
export const useTroubles = (found: Found): ReactNode[] => {
  const { t } = useLingui();
  const me = useMe();
  const words = useCampaignWords();
  const troubles: ReactNode[] = [];

  for (const account of found.accounts.map(one => read(AccountFragment, one))) {
    const states: Partial<Record<typeof account.status, string>> = {
      TOKEN_EXPIRED: t`WhatsApp takes the access token no more`,
      RESTRICTED: t`Restricted by WhatsApp`,
      DISABLED: t`Disabled by WhatsApp`,
    };
    const state = states[account.status];
    if (state) {
      troubles.push(
        <Trouble key={account.id} tone="bad" title={account.name} what={state}>
          {account.statusReason}
        </Trouble>,
      );
    } else if (account.tokenExpiresAt && new Date(account.tokenExpiresAt).getTime() - Date.now() < soon) {
      troubles.push(
        <Trouble key={account.id} tone="fair" title={account.name} what={t`The access token runs out`}>
          <When time={account.tokenExpiresAt} zone={me.zone} />
        </Trouble>,
      );
    }
    for (const issue of account.health) {
      troubles.push(
        <Trouble
          key={`${account.id}${issue.subject}${issue.title}`}
          tone={issue.severity === 'ERROR' ? 'bad' : 'fair'}
          title={`${account.name} · ${issue.subject}`}
          what={issue.title}
        >
          {issue.remedy}
        </Trouble>,
      );
    }
    for (const phone of account.phoneNumbers.filter(n => n.qualityRating === 'RED' || n.qualityRating === 'YELLOW')) {
      troubles.push(
        <Trouble
          key={phone.id}
          tone={phone.qualityRating === 'RED' ? 'bad' : 'fair'}
          title={phone.displayNumber}
          what={phone.qualityRating === 'RED' ? t`Low quality` : t`Medium quality`}
        >
          <Trans>People block or report what is sent from it. Write less often, and only to who asked for it.</Trans>
        </Trouble>,
      );
    }
  }

  for (const campaign of found.campaigns.map(one => read(PausedFragment, one))) {
    if (campaign.status !== 'PAUSED') continue;
    troubles.push(
      <Trouble key={campaign.id} tone="fair" title={campaign.name} what={words.status('PAUSED').text}>
        {campaign.statusReason && words.reason(campaign.statusReason)} {campaign.statusDetail}
      </Trouble>,
    );
  }

  for (const template of found.templates.map(one => read(TemplateFragment, one))) {
    const states: Partial<Record<typeof template.status, string>> = {
      REJECTED: t`Rejected by WhatsApp`,
      PAUSED: t`Paused by WhatsApp`,
      DISABLED: t`Disabled by WhatsApp`,
    };
    troubles.push(
      <Trouble
        key={template.id}
        tone={template.status === 'PAUSED' ? 'fair' : 'bad'}
        title={`${template.name} (${template.language})`}
        what={states[template.status] ?? template.status}
      >
        {template.rejectionReason}
      </Trouble>,
    );
  }

  return troubles;
};
