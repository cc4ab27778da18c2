import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useClient } from 'urql';
import { valuesOf } from '../../shared/conditions';
import { ContactTabs } from '../../shared/contact-tabs';
import { Dialog } from '../../shared/dialog';
import { words } from '../../shared/errors';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { usePages } from '../../shared/pages';
import { Empty, Lines, Page, Panel, Refused, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';

const SuppressionsDocument = graphql(`
  query Suppressions($search: String, $after: Cursor) {
    suppressions(first: 50, search: $search, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {
      edges { node { id phone reason createdAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const AddDocument = graphql(`
  mutation AddSuppressions($input: AddSuppressionsInput!) {
    addSuppressions(input: $input) {
      added
      userErrors { field code message }
    }
  }
`);

const RemoveDocument = graphql(`
  mutation RemoveSuppression($input: RemoveSuppressionInput!) {
    removeSuppression(input: $input) {
      removedSuppressionId
      userErrors { field code message }
    }
  }
`);

const route = getRouteApi('/inside/suppressions');

// Suppressions are numbers that nobody writes to, whoever's contact they are.
const Suppressions = () => {
  const { t } = useLingui();
  const me = useMe();
  const client = useClient();
  const navigate = useNavigate();
  const may = useMay('CAMPAIGNER');
  const { find } = route.useSearch();
  const [typed, setTyped] = useState(find ?? '');
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<{ id: string; phone: string }>();
  const [wrong, setWrong] = useState<string>();
  const list = usePages({
    query: SuppressionsDocument,
    variables: { search: find ?? null, after: null },
    of: data => data.suppressions,
  });
  const later = useDebouncedCallback((text: string) => {
    const next = text.trim();
    void navigate({ to: '/suppressions', search: next ? { find: next } : {}, replace: true });
  }, 300);
  const remove = async (suppressionId: string) => {
    const { data, error } = await client.mutation(RemoveDocument, { input: { suppressionId } }).toPromise();
    const why = error
      ? words(error, t`The service does not answer.`)
      : data?.removeSuppression.userErrors.map(e => e.message).join(' ');
    setWrong(why || undefined);
    if (why) return;
    setRemoving(undefined);
    void list.again();
  };
  return (
    <Page
      title={t`Suppression list`}
      actions={
        may && (
          <Button size="xs" onClick={() => setAdding(true)}>
            <Trans>Add numbers</Trans>
          </Button>
        )
      }
    >
      <ContactTabs />
      <Text size="sm" c="dimmed">
        <Trans>Nothing is written to these numbers, of no category, whoever has them.</Trans>
      </Text>
      <TextInput
        maw={360}
        aria-label={t`Number`}
        placeholder={t`Number`}
        value={typed}
        onChange={event => {
          setTyped(event.currentTarget.value);
          later(event.currentTarget.value);
        }}
      />
      <Panel>
        {list.error && !list.loaded ? (
          <Trouble error={list.error} again={list.again} />
        ) : !list.loaded ? (
          <Lines count={6} />
        ) : list.nodes.length === 0 ? (
          <Empty>{find ? <Trans>No number fits.</Trans> : <Trans>No number is suppressed.</Trans>}</Empty>
        ) : (
          <VirtualRows
            label={t`Suppression list`}
            nodes={list.nodes}
            keyOf={one => one.id}
            more={list.more}
            load={list.load}
            height={60}
          >
            {one => (
              <Group justify="space-between" gap="xs">
                <div>
                  <Text size="sm">{one.phone}</Text>
                  <Text size="xs" c="dimmed">
                    {one.reason && <bdi>{one.reason} · </bdi>}
                    <When time={one.createdAt} zone={me.zone} />
                  </Text>
                </div>
                {may && (
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    color="gray"
                    aria-label={t`Take away: ${one.phone}`}
                    onClick={() => setRemoving(one)}
                  >
                    <Trans>Take away</Trans>
                  </Button>
                )}
              </Group>
            )}
          </VirtualRows>
        )}
      </Panel>
      {adding && (
        <Adding
          onClose={() => setAdding(false)}
          onDone={() => {
            setAdding(false);
            void list.again();
          }}
        />
      )}
      {removing && (
        <Dialog onClose={() => setRemoving(undefined)} title={t`Take away ${removing.phone}`}>
          <Stack>
            <Refused>{wrong}</Refused>
            <Text size="sm">{t`One person can be written to again.`}</Text>
            <Button color="red" onClick={() => remove(removing.id)}>
              <Trans>Take away</Trans>
            </Button>
            <Button variant="default" onClick={() => setRemoving(undefined)}>
              <Trans>Leave it</Trans>
            </Button>
          </Stack>
        </Dialog>
      )}
    </Page>
  );
};

const Adding = ({ onClose, onDone }: { onClose: () => void; onDone: () => void }) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'suppressions',
    initial: { phones: '', reason: '' },
    document: AddDocument,
    input: v => ({ phones: valuesOf(v.phones), ...(v.reason ? { reason: v.reason } : {}) }),
    payload: data => data.addSuppressions,
    done: onDone,
  });
  return (
    <Dialog onClose={onClose} title={t`Add numbers`}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <Textarea
            label={t`Numbers, one a line`}
            description={t`With their country codes, such as +86 138 1234 5678.`}
            rows={6}
            {...form.text('phones')}
          />
          <TextInput label={t`Reason`} {...form.text('reason')} />
          <Button type="submit" loading={form.busy}>
            <Trans>Add</Trans>
          </Button>
        </Stack>
      </form>
    </Dialog>
  );
};

export default Suppressions;
