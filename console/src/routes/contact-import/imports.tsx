import { useLingui } from '@lingui/react/macro';
import { Group, Text } from '@mantine/core';
import { number } from '../../shared/format';
import { Go } from '../../shared/go';
import { graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { usePages } from '../../shared/pages';
import { useStore } from '../../shared/store';
import { Panel, State, When } from '../../shared/ui';
import { useMe } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';
import { ImportFragment } from './documents';
import { useJobWords } from './job-words';

const ImportsDocument = graphql(`
  query Imports($after: Cursor) {
    contactImports(first: 20, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {
      edges { node { id ...ImportState } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

// Imports are those of before.
export const Imports = () => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const jobs = useJobWords();
  const list = usePages({ query: ImportsDocument, variables: { after: null }, of: data => data.contactImports });
  if (list.nodes.length === 0) return null;
  return (
    <Panel title={t`Imports so far`}>
      <VirtualRows
        label={t`Imports so far`}
        nodes={list.nodes}
        keyOf={one => one.id}
        more={list.more}
        load={list.load}
        height={64}
      >
        {one => {
          const state = read(ImportFragment, one);
          const { text, tone } = jobs(state.status);
          return (
            <>
              <Group justify="space-between" gap="xs">
                <Go to="/contacts/import" search={{ id: one.id }}>
                  <bdi>{state.fileName}</bdi>
                </Go>
                <State tone={tone}>{text}</State>
              </Group>
              <Text size="xs" c="dimmed">
                {t`${number(state.created, spoken)} new, ${number(state.updated, spoken)} known before, ${number(
                  state.rejected,
                  spoken,
                )} rejected`}{' '}
                · <When time={state.createdAt} zone={me.zone} />
              </Text>
            </>
          );
        }}
      </VirtualRows>
    </Panel>
  );
};
