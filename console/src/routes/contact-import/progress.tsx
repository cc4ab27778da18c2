import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Anchor, Progress as Bar, Button, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { useClient, useSubscription } from 'urql';
import { words } from '../../shared/errors';
import { pathIn } from '../../shared/export';
import { number } from '../../shared/format';
import { GoButton } from '../../shared/go';
import { graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useLiveQuery } from '../../shared/live';
import { useStore } from '../../shared/store';
import { Figures, Lines, Panel, Refused, State, Trouble } from '../../shared/ui';
import { useMay } from '../../shared/viewer';
import { CancelDocument, ImportFragment } from './documents';
import styles from './import.module.css';
import { useJobWords } from './job-words';

const OneDocument = graphql(`
  query OneImport($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on ContactImport {
        ...ImportState
        rejections(first: 20) { line value reason }
        rejectedFileUrl
      }
    }
  }
`);

const ProgressDocument = graphql(`
  subscription ImportProgress($id: ID!) {
    contactImportProgress(importId: $id) { ...ImportState }
  }
`);

// Progress is an import as it runs, and what became of it.
export const Progress = ({ id }: { id: string }) => {
  const { t } = useLingui();
  const client = useClient();
  const spoken = useStore(language);
  const jobs = useJobWords();
  const may = useMay('CAMPAIGNER');
  const [wrong, setWrong] = useState<string>();
  const [{ data, error }, again] = useLiveQuery({ query: OneDocument, variables: { id } });
  const found = data?.node?.__typename === 'ContactImport' ? data.node : undefined;
  const state = found && read(ImportFragment, found);
  const over = !!state?.finishedAt;
  useSubscription({ query: ProgressDocument, variables: { id }, pause: over }, (_, news) => {
    if (read(ImportFragment, news.contactImportProgress).finishedAt) void again();
    return news;
  });
  if (error && !found) return <Trouble error={error} again={again} />;
  if (!found || !state) return <Lines count={6} />;

  const n = (value: number) => number(value, spoken);
  const cancel = async () => {
    const sent = await client.mutation(CancelDocument, { input: { importId: id } }).toPromise();
    setWrong(
      sent.error
        ? words(sent.error, t`The service does not answer.`)
        : sent.data?.cancelContactImport.userErrors.map(e => e.message).join(' ') || undefined,
    );
    void again();
  };
  const { text, tone } = jobs(state.status);
  return (
    <Panel title={state.fileName} actions={<State tone={tone}>{text}</State>}>
      <Stack gap="md">
        <Refused>{wrong}</Refused>
        {!over && (
          <Bar
            value={state.rowsTotal ? (100 * state.rowsRead) / state.rowsTotal : 0}
            animated
            aria-label={t`Progress of the import`}
          />
        )}
        <Figures
          of={[
            {
              label: t`Read`,
              value: state.rowsTotal ? `${n(state.rowsRead)} / ${n(state.rowsTotal)}` : n(state.rowsRead),
            },
            { label: t`New people`, value: n(state.created) },
            { label: t`Known before`, value: n(state.updated) },
            { label: t`Rejected`, value: n(state.rejected) },
          ]}
        />
        {state.statusReason && (
          <Alert color="yellow" variant="light" icon={<Icon name="alert" />}>
            {state.statusReason}
          </Alert>
        )}
        {found.rejections.length > 0 && (
          <div>
            <Group justify="space-between" mb={4}>
              <Text size="sm" fw={600}>
                <Trans>Rejected rows</Trans>
              </Text>
              {found.rejectedFileUrl && (
                <Anchor size="sm" href={pathIn(found.rejectedFileUrl)} download>
                  <Trans>Download all of them</Trans>
                </Anchor>
              )}
            </Group>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
            <div className={styles.scroll} tabIndex={0}>
              <table className={styles.table} aria-label={t`Rejected rows`}>
                <thead>
                  <tr>
                    <th scope="col">{t`Line`}</th>
                    <th scope="col">{t`What stands there`}</th>
                    <th scope="col">{t`Why it is not taken`}</th>
                  </tr>
                </thead>
                <tbody>
                  {found.rejections.map(row => (
                    <tr key={row.line}>
                      <td>{row.line}</td>
                      <td>
                        <bdi>{row.value}</bdi>
                      </td>
                      <td>{row.reason}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          </div>
        )}
        <Group gap="xs">
          {!over && may && (
            <Button size="xs" variant="default" onClick={cancel}>
              <Trans>Cancel the import</Trans>
            </Button>
          )}
          <GoButton to="/contacts" size="xs" variant="default">
            <Trans>See the contacts</Trans>
          </GoButton>
          {over && may && (
            <GoButton to="/contacts/import" search={{}} size="xs" variant="default">
              <Trans>Import another file</Trans>
            </GoButton>
          )}
        </Group>
      </Stack>
    </Panel>
  );
};
