import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useClient } from 'urql';
import type { EstimateQuickMutation, SkipReason } from '../../graphql/graphql';
import { words } from '../../shared/errors';
import { money, number, span } from '../../shared/format';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useSkipWords } from '../../shared/skip-words';
import { useStore } from '../../shared/store';
import { Figures, Lines } from '../../shared/ui';
import { Confirm } from './confirm';

const EstimateDocument = graphql(`
  mutation EstimateQuick($id: ID!) {
    estimateCampaign(input: { campaignId: $id }) {
      estimate {
        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings
        cost { amount currency }
        skipped { reason count }
        problems { field code message }
      }
      userErrors { field code message }
    }
  }
`);

const LaunchDocument = graphql(`
  mutation Launch($id: ID!, $most: Int!) {
    launchCampaign(input: { campaignId: $id, atMostRecipients: $most }) {
      campaign { id status statusReason statusDetail launchedAt }
      userErrors { field code message }
    }
  }
`);

type Estimate = NonNullable<NonNullable<EstimateQuickMutation['estimateCampaign']>['estimate']>;

type Props = { id: string; onClose: () => void; onLaunched?: () => unknown };

// Launch shows first what a launch would do, and launches for no more people than it showed.
const Launch = ({ id, onClose, onLaunched }: Props) => {
  const { t } = useLingui();
  const client = useClient();
  const spoken = useStore(language);
  const skips = useSkipWords();
  const [estimate, setEstimate] = useState<Estimate>();
  const [wrong, setWrong] = useState<string>();
  const n = (value: number) => number(value, spoken);

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens
  useEffect(() => {
    void client
      .mutation(EstimateDocument, { id })
      .toPromise()
      .then(({ data, error }) => {
        if (error) setWrong(words(error, t`The service does not answer.`));
        else if (data?.estimateCampaign.estimate) setEstimate(data.estimateCampaign.estimate);
        else setWrong(data?.estimateCampaign.userErrors.map(e => e.message).join(' '));
      });
  }, []);

  const act = async () => {
    const { data, error } = await client.mutation(LaunchDocument, { id, most: estimate?.recipients ?? 0 }).toPromise();
    const why = error
      ? words(error, t`The service does not answer.`)
      : data?.launchCampaign.userErrors.map(e => e.message).join(' ') || undefined;
    if (!why) void onLaunched?.();
    return why;
  };

  const people = estimate?.recipients ?? 0;
  return (
    <Confirm
      title={t`Launch the campaign`}
      people={people}
      doing={t`Send to ${n(people)} people`}
      ready={!!estimate && people > 0 && estimate.problems.length === 0}
      onClose={onClose}
      act={act}
    >
      {wrong && (
        <Alert color="red" variant="light" role="alert">
          {wrong}
        </Alert>
      )}
      {!estimate && !wrong && <Lines />}
      {estimate && (
        <Stack gap="sm">
          <Figures
            of={[
              { label: t`People`, value: n(people) },
              {
                label: t`Cost`,
                value: estimate.cost ? money(estimate.cost.amount, estimate.cost.currency, spoken) : t`not known`,
              },
              { label: t`Takes`, value: span(estimate.durationSeconds, spoken) },
            ]}
          />
          {estimate.skipped.length > 0 && (
            <div>
              <Text size="sm" fw={600}>
                <Trans>Who gets nothing, and why</Trans>
              </Text>
              {estimate.skipped.map(({ reason, count }) => (
                <Text key={reason} size="sm">
                  {n(count)} · {skips(reason as SkipReason)}
                </Text>
              ))}
            </div>
          )}
          {estimate.messagingLimitRemaining != null && estimate.messagingLimitRemaining < people && (
            <Alert color="yellow" variant="light">
              <Trans>
                The 24-hour limit leaves room for {n(estimate.messagingLimitRemaining)} people now; the campaign takes
                about {n(estimate.messagingLimitDays ?? 1)} days.
              </Trans>
            </Alert>
          )}
          {[...estimate.problems.map(p => p.message), ...estimate.warnings].map(text => (
            <Alert key={text} color={estimate.problems.length ? 'red' : 'yellow'} variant="light">
              {text}
            </Alert>
          ))}
        </Stack>
      )}
    </Confirm>
  );
};

export default Launch;
