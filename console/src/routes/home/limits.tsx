import { Trans, useLingui } from '@lingui/react/macro';
import { Group, Progress, Stack, Text } from '@mantine/core';
import { number } from '../../shared/format';
import { type FragmentType, graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { State, type Tone } from '../../shared/ui';

const LimitsFragment = graphql(`
  fragment LimitedAccount on Account {
    id name sandbox messagingLimit messagingLimitUsed
    phoneNumbers { id displayNumber verifiedName qualityRating throughput currentRate queued }
  }
`);

// Limits is an account with how many people it may write to in 24 hours, and how fast its numbers
// send.
export const Limits = ({ account: masked }: { account: FragmentType<typeof LimitsFragment> }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const account = read(LimitsFragment, masked);
  const n = (value: number) => number(value, spoken);
  const quality: Record<'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN', [Tone, string]> = {
    GREEN: ['good', t`High quality`],
    YELLOW: ['fair', t`Medium quality`],
    RED: ['bad', t`Low quality`],
    UNKNOWN: ['calm', t`Quality not known yet`],
  };
  const used = account.messagingLimit ? (100 * account.messagingLimitUsed) / account.messagingLimit : 0;
  return (
    <li>
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Text size="sm" fw={600} lineClamp={2}>
            <bdi>{account.name}</bdi>
          </Text>
          {account.sandbox && (
            <State tone="calm">
              <Trans>Sandbox</Trans>
            </State>
          )}
        </Group>
        {account.messagingLimit ? (
          <>
            <Progress
              value={used}
              size="sm"
              color={used > 90 ? 'red' : 'indigo'}
              aria-label={t`Use of the 24-hour limit of ${account.name}`}
            />
            <Text size="xs" c="dimmed">
              <Trans>
                {n(account.messagingLimitUsed)} of {n(account.messagingLimit)} people in 24 hours
              </Trans>
            </Text>
          </>
        ) : (
          <Text size="xs" c="dimmed">
            <Trans>{n(account.messagingLimitUsed)} people in 24 hours, without a limit</Trans>
          </Text>
        )}
        {account.phoneNumbers.map(phone => (
          <Group key={phone.id} justify="space-between" gap="xs">
            <Text size="sm">
              {phone.displayNumber}
              {phone.queued > 0 && (
                <Text span size="xs" c="dimmed">
                  {' '}
                  <Trans>{n(phone.queued)} waiting</Trans>
                </Text>
              )}
            </Text>
            <Group gap="sm">
              <Text size="xs" c="dimmed">
                <Trans>up to {n(phone.throughput)} a second</Trans>
              </Text>
              <State tone={quality[phone.qualityRating][0]}>{quality[phone.qualityRating][1]}</State>
            </Group>
          </Group>
        ))}
      </Stack>
    </li>
  );
};
