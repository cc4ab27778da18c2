import { plural } from '@lingui/core/macro';
import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { conditionOf } from '../../shared/conditions';
import { ContactTabs } from '../../shared/contact-tabs';
import { Dialog } from '../../shared/dialog';
import { useForm } from '../../shared/form';
import { number } from '../../shared/format';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { usePages } from '../../shared/pages';
import { useStore } from '../../shared/store';
import { Empty, Lines, Page, Panel, Refused, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { VirtualRows } from '../../shared/virtual';

const ListsDocument = graphql(`
  query Lists($after: Cursor) {
    contactLists(first: 50, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {
      edges { node { id name size createdAt } }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const CreateDocument = graphql(`
  mutation CreateList($input: CreateContactListInput!) {
    createContactList(input: $input) {
      contactList { id }
      userErrors { field code message }
    }
  }
`);

const RenameDocument = graphql(`
  mutation RenameList($input: UpdateContactListInput!) {
    updateContactList(input: $input) {
      contactList { id name }
      userErrors { field code message }
    }
  }
`);

const DeleteDocument = graphql(`
  mutation DeleteList($input: DeleteContactListInput!) {
    deleteContactList(input: $input) {
      deletedContactListId
      userErrors { field code message }
    }
  }
`);

type List = { id: string; name: string; size: number };

// Lists are made of people whom somebody put there.
const Lists = () => {
  const { t } = useLingui();
  const me = useMe();
  const may = useMay('CAMPAIGNER');
  const list = usePages({ query: ListsDocument, variables: { after: null }, of: data => data.contactLists });
  const [making, setMaking] = useState(false);
  const [renaming, setRenaming] = useState<List>();
  const [deleting, setDeleting] = useState<List>();
  const done = () => {
    setMaking(false);
    setRenaming(undefined);
    setDeleting(undefined);
    void list.again();
  };
  return (
    <Page
      title={t`Lists`}
      actions={
        may && (
          <Button size="xs" onClick={() => setMaking(true)}>
            <Trans>New list</Trans>
          </Button>
        )
      }
    >
      <ContactTabs />
      <Panel>
        {list.error && !list.loaded ? (
          <Trouble error={list.error} again={list.again} />
        ) : !list.loaded ? (
          <Lines count={6} />
        ) : list.nodes.length === 0 ? (
          <Empty>
            <Trans>There is no list yet. An import puts people on one.</Trans>
          </Empty>
        ) : (
          <VirtualRows
            label={t`Lists`}
            nodes={list.nodes}
            keyOf={one => one.id}
            more={list.more}
            load={list.load}
            height={64}
          >
            {one => (
              <Group justify="space-between" gap="xs">
                <div>
                  <Go to="/contacts" search={{ rule: [{ ...conditionOf('lists'), text: one.id }] }}>
                    <bdi>{one.name}</bdi>
                  </Go>
                  <Text size="xs" c="dimmed">
                    {t`${plural(one.size, { one: '# person', other: '# people' })}`} ·{' '}
                    <When time={one.createdAt} zone={me.zone} />
                  </Text>
                </div>
                {may && (
                  <Group gap={4}>
                    <Button
                      size="compact-sm"
                      variant="subtle"
                      aria-label={t`Rename ${one.name}`}
                      onClick={() => setRenaming(one)}
                    >
                      <Trans>Rename</Trans>
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
            )}
          </VirtualRows>
        )}
      </Panel>
      {making && <Making onClose={() => setMaking(false)} onDone={done} />}
      {renaming && <Renaming list={renaming} onClose={() => setRenaming(undefined)} onDone={done} />}
      {deleting && <Deleting list={deleting} onClose={() => setDeleting(undefined)} onDone={done} />}
    </Page>
  );
};

type Ending = { onClose: () => void; onDone: () => void };

const Making = ({ onClose, onDone }: Ending) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'list',
    initial: { name: '' },
    document: CreateDocument,
    input: v => ({ name: v.name }),
    payload: data => data.createContactList,
    done: onDone,
  });
  return (
    <Dialog onClose={onClose} title={t`New list`}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <TextInput label={t`Name of the list`} {...form.text('name')} />
          <Button type="submit" loading={form.busy}>
            <Trans>Make it</Trans>
          </Button>
        </Stack>
      </form>
    </Dialog>
  );
};

const Renaming = ({ list, onClose, onDone }: Ending & { list: List }) => {
  const { t } = useLingui();
  const form = useForm({
    name: `list.${list.id}`,
    initial: { name: list.name },
    document: RenameDocument,
    input: v => ({ contactListId: list.id, name: v.name }),
    payload: data => data.updateContactList,
    done: onDone,
  });
  return (
    <Dialog onClose={onClose} title={t`Rename ${list.name}`}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <TextInput label={t`Name of the list`} {...form.text('name')} />
          <Button type="submit" loading={form.busy}>
            <Trans>Rename</Trans>
          </Button>
        </Stack>
      </form>
    </Dialog>
  );
};

const Deleting = ({ list, onClose, onDone }: Ending & { list: List }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const form = useForm({
    name: `list.delete.${list.id}`,
    initial: {},
    document: DeleteDocument,
    input: () => ({ contactListId: list.id }),
    payload: data => data.deleteContactList,
    done: onDone,
  });
  return (
    <Dialog onClose={onClose} title={t`Delete ${list.name}`}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <Text size="sm">{t`The ${number(list.size, spoken)} people on it stay contacts. The list is gone.`}</Text>
          <Button type="submit" color="red" loading={form.busy}>
            <Trans>Delete</Trans>
          </Button>
          <Button variant="default" onClick={onClose}>
            <Trans>Leave it</Trans>
          </Button>
        </Stack>
      </form>
    </Dialog>
  );
};

export default Lists;
