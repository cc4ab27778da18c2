import { plural } from '@lingui/core/macro';
import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useClient } from 'urql';
import type { ContactFilter, SegmentsQuery } from '../../graphql/graphql';
import { type Condition, conditionsOf, filterOf } from '../../shared/conditions';
import { ContactTabs } from '../../shared/contact-tabs';
import { Dialog } from '../../shared/dialog';
import { refusals, words } from '../../shared/errors';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { usePages } from '../../shared/pages';
import { useInWords } from '../../shared/rule-words';
import { tab } from '../../shared/stored';
import { Empty, Lines, Page, Panel, Refused, Trouble } from '../../shared/ui';
import { useMay } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';

const SegmentsDocument = graphql(`
  query Segments($after: Cursor) {
    segments(first: 20, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {
      edges { node { id name size rule { field operator values } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CreateDocument = graphql(`
  mutation CreateSegment($input: CreateSegmentInput!) {
    createSegment(input: $input) {
      segment { id }
      userErrors { field code message }
    }
  }
`);

const UpdateDocument = graphql(`
  mutation UpdateSegment($input: UpdateSegmentInput!) {
    updateSegment(input: $input) {
      segment { id name size rule { field operator values } }
      userErrors { field code message }
    }
  }
`);

const DeleteDocument = graphql(`
  mutation DeleteSegment($input: DeleteSegmentInput!) {
    deleteSegment(input: $input) {
      deletedSegmentId
      userErrors { field code message }
    }
  }
`);

const Rule = lazy(() => import('../../shared/rule'));

type Segment = SegmentsQuery['segments']['edges'][number]['node'];

// Segments are saved rules: whoever matches when they are used.
const Segments = () => {
  const { t } = useLingui();
  const inWords = useInWords();
  const client = useClient();
  const may = useMay('CAMPAIGNER');
  const list = usePages({ query: SegmentsDocument, variables: { after: null }, of: data => data.segments });
  const [editing, setEditing] = useState<Segment | 'new' | undefined>(() =>
    tab.get('segment.new') ? 'new' : undefined,
  );
  const [deleting, setDeleting] = useState<Segment>();
  const [wrong, setWrong] = useState<string>();
  const remove = async (segment: Segment) => {
    const { data, error } = await client.mutation(DeleteDocument, { input: { segmentId: segment.id } }).toPromise();
    const why = error
      ? words(error, t`The service does not answer.`)
      : data?.deleteSegment.userErrors.map(e => e.message).join(' ');
    setWrong(why || undefined);
    if (why) return;
    setDeleting(undefined);
    void list.again();
  };
  return (
    <Page
      title={t`Segments`}
      actions={
        may && (
          <Button size="xs" onClick={() => setEditing('new')}>
            <Trans>New segment</Trans>
          </Button>
        )
      }
    >
      <ContactTabs />
      {editing && (
        <Editor
          key={editing === 'new' ? 'new' : editing.id}
          segment={editing === 'new' ? undefined : editing}
          onClose={() => setEditing(undefined)}
          onDone={() => {
            setEditing(undefined);
            void list.again();
          }}
        />
      )}
      <Panel>
        {list.error && !list.loaded ? (
          <Trouble error={list.error} again={list.again} />
        ) : !list.loaded ? (
          <Lines count={6} />
        ) : list.nodes.length === 0 ? (
          <Empty>
            <Trans>There is no segment yet. A segment is a rule: whoever matches when it is used.</Trans>
          </Empty>
        ) : (
          <VirtualRows
            label={t`Segments`}
            nodes={list.nodes}
            keyOf={one => one.id}
            more={list.more}
            load={list.load}
            height={72}
          >
            {one => {
              const conditions = conditionsOf(one.rule);
              return (
                <Group justify="space-between" gap="xs" align="flex-start">
                  <Stack gap={2} flex={1} miw={200}>
                    <Go to="/contacts" search={{ rule: conditions }}>
                      <bdi>{one.name}</bdi>
                    </Go>
                    <Text size="sm">{conditions.map(inWords).join('; ')}</Text>
                    <Text size="xs" c="dimmed">
                      {t`${plural(one.size, { one: '# person now', other: '# people now' })}`}
                    </Text>
                  </Stack>
                  {may && (
                    <Group gap={4}>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        aria-label={t`Change ${one.name}`}
                        onClick={() => setEditing(one)}
                      >
                        <Trans>Change</Trans>
                      </Button>
                      <Button
                        size="compact-sm"
                        variant="subtle"
                        color="gray"
                        aria-label={t`Delete ${one.name}`}
                        onClick={() => setDeleting(one)}
                      >
                        <Trans>Delete</Trans>
                      </Button>
                    </Group>
                  )}
                </Group>
              );
            }}
          </VirtualRows>
        )}
      </Panel>
      {deleting && (
        <Dialog onClose={() => setDeleting(undefined)} title={t`Delete ${deleting.name}`}>
          <Stack>
            <Refused>{wrong}</Refused>
            <Text size="sm">{t`The people in it stay contacts. The rule is gone.`}</Text>
            <Button color="red" onClick={() => remove(deleting)}>
              <Trans>Delete</Trans>
            </Button>
            <Button variant="default" onClick={() => setDeleting(undefined)}>
              <Trans>Leave it</Trans>
            </Button>
          </Stack>
        </Dialog>
      )}
    </Page>
  );
};

type Kept = { name: string; conditions: Condition[] };

// Editor writes a rule; what is written outlives a reload.
const Editor = ({
  segment,
  onClose,
  onDone,
}: {
  segment: Segment | undefined;
  onClose: () => void;
  onDone: () => void;
}) => {
  const { t } = useLingui();
  const client = useClient();
  const key = `segment.${segment?.id ?? 'new'}`;
  const [{ name, conditions }, setState] = useState<Kept>(() => {
    const kept = tab.get(key);
    if (kept) return JSON.parse(kept) as Kept;
    return segment ? { name: segment.name, conditions: conditionsOf(segment.rule) } : { name: '', conditions: [] };
  });
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<Kept>) => {
    const next = { name, conditions, ...change };
    setState(next);
    tab.set(key, JSON.stringify(next));
  };
  const leave = () => {
    tab.set(key, null);
    onClose();
  };
  const send = async (filter: ContactFilter) => {
    if (segment) {
      const input = { segmentId: segment.id, name, filter };
      const { data, error } = await client.mutation(UpdateDocument, { input }).toPromise();
      return { errors: data?.updateSegment.userErrors, error };
    }
    const { data, error } = await client.mutation(CreateDocument, { input: { name, filter } }).toPromise();
    return { errors: data?.createSegment.userErrors, error };
  };
  const save = async () => {
    setBusy(true);
    const { errors, error } = await send(filterOf(conditions));
    setBusy(false);
    if (error) setWrong({ '': words(error, t`The service does not answer. Nothing is lost: try again in a moment.`) });
    else if (errors?.length) setWrong(refusals(errors, ['name', 'filter']));
    else {
      tab.set(key, null);
      onDone();
    }
  };
  return (
    <Panel title={segment ? t`Change ${segment.name}` : t`New segment`}>
      <Stack gap="sm">
        <Refused>{wrong['']}</Refused>
        <TextInput
          label={t`Name of the segment`}
          value={name}
          error={wrong.name}
          onChange={event => set({ name: event.currentTarget.value })}
        />
        <Suspense fallback={<Lines count={2} />}>
          <Rule conditions={conditions} error={wrong.filter} onChange={next => set({ conditions: next })} />
        </Suspense>
        <Group gap="xs">
          <Button size="xs" loading={busy} onClick={save}>
            <Trans>Save</Trans>
          </Button>
          <Button size="xs" variant="default" onClick={leave}>
            <Trans>Leave it</Trans>
          </Button>
        </Group>
      </Stack>
    </Panel>
  );
};

export default Segments;
