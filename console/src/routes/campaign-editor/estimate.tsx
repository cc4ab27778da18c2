import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Stack, Text } from '@mantine/core';
import type { EstimateCampaignMutation } from '../../graphql/graphql';
import { Bubble } from '../../shared/bubble';
import { countryOf } from '../../shared/contact-words';
import { money, number, span } from '../../shared/format';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useSkipWords } from '../../shared/skip-words';
import { useStore } from '../../shared/store';
import { tongue } from '../../shared/tongue';
import { Figures, Grid, Panel } from '../../shared/ui';
import styles from './editor.module.css';

export type Estimate = NonNullable<EstimateCampaignMutation['estimateCampaign']['estimate']>;

// EstimateView is what a launch would do, computed by the service without sending anything.
export const EstimateView = ({ estimate }: { estimate: Estimate }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const skips = useSkipWords();
  const n = (value: number) => number(value, spoken);
  const cost = (of: { amount: string; currency: string } | null | undefined) =>
    of ? money(of.amount, of.currency, spoken) : t`not known`;
  const skipped = estimate.skipped.reduce((sum, one) => sum + one.count, 0);
  const left = estimate.messagingLimitRemaining;
  return (
    <>
      <Panel title={t`What a launch would do`}>
        <Stack gap="md">
          {estimate.problems.map(problem => (
            <Alert key={problem.message} color="red" variant="light" icon={<Icon name="alert" />}>
              {problem.message}
            </Alert>
          ))}
          {estimate.warnings.map(warning => (
            <Alert key={warning} color="yellow" variant="light" icon={<Icon name="alert" />}>
              {warning}
            </Alert>
          ))}
          <Figures
            of={[
              { label: t`People`, value: n(estimate.recipients) },
              { label: t`Get nothing`, value: n(skipped) },
              { label: t`Cost`, value: cost(estimate.cost) },
              { label: t`Takes`, value: span(estimate.durationSeconds, spoken) },
            ]}
          />
          {estimate.rateCard && (
            <Text size="xs" c="dimmed">
              {t`By the rate card ${estimate.rateCard.name}.`}{' '}
              {estimate.rateCard.example && t`It is an example, not to be relied on.`}
            </Text>
          )}
          {left != null && (
            <Text size="sm">
              <Trans>
                The 24-hour limit leaves room for {n(left)} people now; the campaign takes about{' '}
                {n(estimate.messagingLimitDays ?? 1)} days.
              </Trans>
            </Text>
          )}
          <Grid>
            {estimate.skipped.length > 0 && (
              <Table
                name={t`Who gets nothing, and why`}
                heads={[t`Why`, t`People`]}
                rows={estimate.skipped.map(one => [skips(one.reason), n(one.count)])}
              />
            )}
            {estimate.missing.length > 0 && (
              <Table
                name={t`Missing values`}
                heads={[t`Value`, t`People`]}
                rows={estimate.missing.map(one => [one.parameter, n(one.count)])}
              />
            )}
            {estimate.countries.length > 0 && (
              <Table
                name={t`By country`}
                heads={[t`Country`, t`People`, t`Cost`]}
                rows={estimate.countries.map(one => [
                  one.country ? countryOf(one.country, spoken) : t`not known`,
                  n(one.recipients),
                  cost(one.cost),
                ])}
              />
            )}
            {estimate.languages.length > 0 && (
              <Table
                name={t`By language`}
                heads={[t`Language`, t`People`]}
                rows={estimate.languages.map(one => [tongue(one.language, spoken), n(one.recipients)])}
              />
            )}
          </Grid>
        </Stack>
      </Panel>
      {estimate.sample.length > 0 && (
        <Panel title={t`As the first people get it`}>
          <div className={styles.samples}>
            {estimate.sample.map((preview, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: they have no ids
              <Bubble key={i} preview={preview} />
            ))}
          </div>
        </Panel>
      )}
    </>
  );
};

const Table = ({ name, heads, rows }: { name: string; heads: string[]; rows: string[][] }) => (
  <div>
    <Text size="sm" fw={600}>
      {name}
    </Text>
    <table className={styles.table} aria-label={name}>
      <thead>
        <tr>
          {heads.map(head => (
            <th key={head} scope="col">
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr key={row[0]}>
            {row.map((cell, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns keep their places
              <td key={i}>
                <bdi>{cell}</bdi>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
