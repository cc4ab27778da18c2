import { Trans, useLingui } from '@lingui/react/macro';
import { Group, Stack, Text } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useClient, useQuery } from 'urql';
import type { StatisticsDimension, StatisticsPageQuery } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { countryOf } from '../../shared/contact-words';
import { ExportButton } from '../../shared/export';
import { money, number, share } from '../../shared/format';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { useTemplateWords } from '../../shared/template-words';
import { Empty, Lines, Page, Panel, Trouble } from '../../shared/ui';
import { useMe } from '../../shared/viewer';
import { wallOf } from '../../shared/zone';
import { before, change, daysOf, periodOf } from './period';
import styles from './statistics.module.css';

const StatisticsDocument = graphql(`
  query StatisticsPage(
    $now: StatisticsFilter!
    $past: StatisticsFilter!
    $by: [StatisticsDimension!]!
  ) {
    total: statistics(filter: $now, interval: TOTAL) {
      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate
      cost { amount currency }
    }
    earlier: statistics(filter: $past, interval: TOTAL) {
      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate
      cost { amount currency }
    }
    days: statistics(filter: $now, interval: DAY) {
      start accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate
      cost { amount currency }
    }
    groups: statistics(filter: $now, interval: TOTAL, groupBy: $by) {
      account { id name }
      phoneNumber { id displayNumber }
      template { id name language }
      campaign { id name }
      category country errorCode
      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate
      cost { amount currency }
    }
  }
`);

const ExportDocument = graphql(`
  mutation ExportStatistics($input: ExportStatisticsInput!) {
    exportStatistics(input: $input) {
      export { id }
      userErrors { field code message }
    }
  }
`);

const route = getRouteApi('/inside/statistics');

export const dimensions: StatisticsDimension[] = [
  'TEMPLATE',
  'CAMPAIGN',
  'PHONE_NUMBER',
  'COUNTRY',
  'CATEGORY',
  'ACCOUNT',
  'ERROR_CODE',
];

type Grouped = StatisticsPageQuery['groups'][number];

// Statistics are what became of messages over time, beside the period before.
const Statistics = () => {
  const { t } = useLingui();
  const me = useMe();
  const client = useClient();
  const navigate = useNavigate();
  const { days = '30', by = 'TEMPLATE' } = route.useSearch();
  const period = useMemo(() => periodOf(Number(days), me.zone), [days, me.zone]);
  const filter = { ...period, timeZone: me.zone };
  const [{ data, error }, again] = useQuery({
    query: StatisticsDocument,
    variables: { now: filter, past: { ...before(period), timeZone: me.zone }, by: [by] },
    requestPolicy: 'cache-and-network',
  });
  const go = (next: { days?: string; by?: StatisticsDimension }) =>
    navigate({ to: '/statistics', search: { days, by, ...next }, replace: true });
  const names: Record<StatisticsDimension, string> = {
    TEMPLATE: t`Template`,
    CAMPAIGN: t`Campaign`,
    PHONE_NUMBER: t`Number`,
    COUNTRY: t`Country`,
    CATEGORY: t`Category`,
    ACCOUNT: t`Account`,
    ERROR_CODE: t`Error code`,
  };
  const begin = async () => {
    const input = { filter, interval: 'DAY' as const, groupBy: [by] };
    const answer = await client.mutation(ExportDocument, { input }).toPromise();
    return { error: answer.error, payload: answer.data?.exportStatistics };
  };
  return (
    <Page title={t`Statistics`} actions={<ExportButton key={`${days} ${by}`} begin={begin} />}>
      <Group gap="xs">
        <Choice
          aria-label={t`Period`}
          data={[
            { value: '1', label: t`Today` },
            { value: '7', label: t`7 days` },
            { value: '30', label: t`30 days` },
            { value: '90', label: t`90 days` },
          ]}
          value={days}
          onChange={value => value && go({ days: value })}
        />
        <Choice
          aria-label={t`By`}
          data={dimensions.map(value => ({ value, label: names[value] }))}
          value={by}
          onChange={value => value && go({ by: value as StatisticsDimension })}
        />
        <Text size="xs" c="dimmed">
          {me.zone}
        </Text>
      </Group>
      {error && !data ? (
        <Trouble error={error} again={() => again()} />
      ) : !data ? (
        <Lines count={10} />
      ) : (
        <>
          <Totals now={data.total[0]} then={data.earlier[0]} />
          <Days rows={data.days} days={daysOf(period, me.zone)} />
          <Panel title={names[by]}>
            <Groups groups={data.groups} heading={names[by]} />
          </Panel>
        </>
      )}
    </Page>
  );
};

type Counts = StatisticsPageQuery['total'][number];

const useCounts = () => {
  const { t } = useLingui();
  return {
    accepted: t`Taken by WhatsApp`,
    sent: t`Sent`,
    delivered: t`Delivered`,
    read: t`Read`,
    failed: t`Failed`,
    skipped: t`Not sent`,
    received: t`Received`,
    replied: t`Answered`,
    optedOut: t`Opted out`,
    clicked: t`Links clicked`,
  } satisfies Partial<Record<keyof Counts, string>>;
};

const Totals = ({ now, then }: { now: Counts | undefined; then: Counts | undefined }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const counts = useCounts();
  const against = (is: number, was: number) => {
    const more = change(is, was);
    if (more === undefined) return is > 0 ? t`none in the period before` : '';
    const shown = share(Math.abs(more), spoken);
    return more >= 0 ? t`${shown} more than in the period before` : t`${shown} fewer than in the period before`;
  };
  const rates: Partial<Record<keyof typeof counts, string>> = now
    ? {
        delivered: t`${share(now.deliveryRate, spoken)} of those that WhatsApp took`,
        read: t`${share(now.readRate, spoken)} of those that were delivered`,
      }
    : {};
  return (
    <Panel title={t`Altogether`}>
      <dl className={styles.figures}>
        {(Object.keys(counts) as (keyof typeof counts)[]).map(name => (
          <div key={name}>
            <dt>{counts[name]}</dt>
            <dd>{number(now?.[name] ?? 0, spoken)}</dd>
            <dd className={styles.note}>
              {[rates[name], against(now?.[name] ?? 0, then?.[name] ?? 0)].filter(Boolean).join('; ')}
            </dd>
          </div>
        ))}
        <div>
          <dt>{t`Cost`}</dt>
          <dd>{now?.cost ? money(now.cost.amount, now.cost.currency, spoken) : t`not known`}</dd>
          <dd className={styles.note}>
            {now?.cost && then?.cost && against(Number(now.cost.amount), Number(then.cost.amount))}
          </dd>
        </div>
      </dl>
      <Text size="xs" c="dimmed" mt="sm">
        <Trans>
          Each thing counts when it happens: what was taken on Monday and read on Tuesday is read on Tuesday.
        </Trans>
      </Text>
    </Panel>
  );
};

const Days = ({ rows, days }: { rows: StatisticsPageQuery['days']; days: string[] }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const counts = useCounts();
  const of = new Map(rows.map(row => [row.start ? wallOf(row.start, me.zone).slice(0, 10) : '', row]));
  const most = Math.max(1, ...rows.map(row => Math.max(row.accepted, row.delivered, row.failed)));
  const width = 100 / days.length;
  const shown = ['accepted', 'delivered', 'read', 'failed'] as const;
  const day = (at: string) =>
    new Intl.DateTimeFormat(spoken, { month: 'short', day: 'numeric', timeZone: 'UTC' }).format(
      new Date(`${at}T00:00Z`),
    );
  return (
    <Panel title={t`By day`}>
      <Stack gap="sm">
        <Group gap="md">
          {shown.map(name => (
            <span key={name} className={`${styles.key} ${styles[name]}`}>
              {counts[name]}
            </span>
          ))}
        </Group>
        <svg
          className={styles.chart}
          viewBox="0 0 100 40"
          preserveAspectRatio="none"
          role="img"
          aria-label={t`Messages by day; the table below has the same figures`}
        >
          {days.map((at, i) => {
            const row = of.get(at);
            return shown.map((name, j) => {
              const height = row ? (40 * row[name]) / most : 0;
              return (
                <rect
                  key={`${at} ${name}`}
                  className={styles[name]}
                  x={i * width + ((j + 0.4) * width) / 5}
                  y={40 - height}
                  width={width / 5.5}
                  height={height}
                />
              );
            });
          })}
        </svg>
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            {day(days[0] ?? '')}
          </Text>
          <Text size="xs" c="dimmed">
            {day(days.at(-1) ?? '')}
          </Text>
        </Group>
        <details>
          <summary className={styles.summary}>{t`As a table`}</summary>
          <Table
            name={t`By day`}
            first={t`Day`}
            rows={days.map(at => ({ key: at, title: day(at), counts: of.get(at) }))}
          />
        </details>
      </Stack>
    </Panel>
  );
};

const Groups = ({ groups, heading }: { groups: Grouped[]; heading: string }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const title = (group: Grouped) => {
    const { template, campaign } = group;
    if (template)
      return (
        <Go to="/templates/$id" params={{ id: template.id }}>
          <bdi>{`${template.name} (${template.language})`}</bdi>
        </Go>
      );
    if (campaign)
      return (
        <Go to="/campaigns/$id" params={{ id: campaign.id }}>
          <bdi>{campaign.name}</bdi>
        </Go>
      );
    if (group.phoneNumber) return group.phoneNumber.displayNumber;
    if (group.account) return <bdi>{group.account.name}</bdi>;
    if (group.category) return words.category(group.category).text;
    if (group.country) return countryOf(group.country, spoken);
    return group.errorCode == null ? t`None of these` : String(group.errorCode);
  };
  if (groups.length === 0)
    return (
      <Empty>
        <Trans>Nothing happened in this period.</Trans>
      </Empty>
    );
  const rows = groups.map((group, i) => ({ key: String(i), title: title(group), counts: group as Counts }));
  return <Table name={heading} first={heading} rows={rows} />;
};

type Row = { key: string; title: React.ReactNode; counts: Counts | undefined };

const Table = ({ name, first, rows }: { name: string; first: string; rows: Row[] }) => {
  const spoken = useStore(language);
  const { t } = useLingui();
  const counts = useCounts();
  const names = Object.keys(counts) as (keyof typeof counts)[];
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <div className={styles.scroll} tabIndex={0}>
      <table className={styles.table} aria-label={name}>
        <thead>
          <tr>
            <th scope="col">{first}</th>
            {names.map(field => (
              <th key={field} scope="col" className={styles.count}>
                {counts[field]}
              </th>
            ))}
            <th scope="col" className={styles.count}>
              {t`Cost`}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(row => (
            <tr key={row.key}>
              <th scope="row">{row.title}</th>
              {names.map(field => (
                <td key={field} className={styles.count}>
                  {number(row.counts?.[field] ?? 0, spoken)}
                </td>
              ))}
              <td className={styles.count}>
                {row.counts?.cost ? money(row.counts.cost.amount, row.counts.cost.currency, spoken) : '–'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
};

export default Statistics;
