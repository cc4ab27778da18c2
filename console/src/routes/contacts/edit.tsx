import { Trans, useLingui } from '@lingui/react/macro';
import { ActionIcon, Button, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useClient, useQuery } from 'urql';
import { textOf, valuesOf } from '../../shared/conditions';
import { refusals, words } from '../../shared/errors';
import { graphql } from '../../shared/graphql';
import { Icon } from '../../shared/icons';
import { Refused } from '../../shared/ui';
import { changesOf } from './changes';
import styles from './contacts.module.css';
import type { Contact } from './panel';

const UpdateDocument = graphql(`
  mutation UpdateContact($input: UpdateContactInput!) {
    updateContact(input: $input) {
      contact { id name language timeZone tags attributes { key value } lists { id name } }
      userErrors { field code message }
    }
  }
`);

const ListsDocument = graphql(`
  query ListsOfEdit {
    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }
  }
`);

// Edit changes what is known of somebody. Only what was changed is sent.
export const Edit = ({ contact, onDone, onCancel }: { contact: Contact; onDone: () => void; onCancel: () => void }) => {
  const { t } = useLingui();
  const client = useClient();
  const [{ data: lists }] = useQuery({ query: ListsDocument });
  const [values, setValues] = useState({
    name: contact.name ?? '',
    language: contact.language ?? '',
    timeZone: contact.timeZone ?? '',
    tags: textOf(contact.tags),
    lists: contact.lists.map(list => list.id),
    attributes: contact.attributes.map(({ key, value }) => ({ key, value })),
  });
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const set = (change: Partial<typeof values>) => setValues({ ...values, ...change });

  const save = async () => {
    setBusy(true);
    const input = { contactId: contact.id, ...changesOf(contact, { ...values, tags: valuesOf(values.tags) }) };
    const { data, error } = await client.mutation(UpdateDocument, { input }).toPromise();
    setBusy(false);
    if (error) setWrong({ '': words(error, t`The service does not answer. Nothing is lost: try again in a moment.`) });
    else if (data?.updateContact.userErrors.length)
      setWrong(
        refusals(data.updateContact.userErrors, [
          'name',
          'language',
          'timeZone',
          'addTags',
          'setAttributes',
          'addListIds',
        ]),
      );
    else onDone();
  };
  const text = (field: 'name' | 'language' | 'timeZone' | 'tags', label: string) => (
    <TextInput
      label={label}
      value={values[field]}
      error={wrong[field === 'tags' ? 'addTags' : field]}
      onChange={event => set({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <form
      onSubmit={event => {
        event.preventDefault();
        void save();
      }}
    >
      <Stack gap="sm">
        <Refused>{[wrong[''], wrong.addListIds].filter(Boolean).join(' ') || undefined}</Refused>
        {text('name', t`Name`)}
        {text('language', t`Language`)}
        {text('timeZone', t`Time zone`)}
        {text('tags', t`Tags`)}
        <Stack gap={4} role="group" aria-label={t`Lists`}>
          <Text size="sm" fw={500}>
            <Trans>Lists</Trans>
          </Text>
          <Group gap="sm">
            {lists?.contactLists.edges.map(({ node }) => (
              <Checkbox
                key={node.id}
                label={node.name}
                checked={values.lists.includes(node.id)}
                onChange={event =>
                  set({
                    lists: event.currentTarget.checked
                      ? [...values.lists, node.id]
                      : values.lists.filter(id => id !== node.id),
                  })
                }
              />
            ))}
          </Group>
        </Stack>
        <Stack gap={6} role="group" aria-label={t`Attributes`}>
          <Text size="sm" fw={500}>
            <Trans>Attributes</Trans>
          </Text>
          {values.attributes.map(({ key, value }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a key is typed
            <div key={i} className={styles.pair}>
              <TextInput
                aria-label={t`Attribute`}
                value={key}
                onChange={event =>
                  set({ attributes: values.attributes.with(i, { key: event.currentTarget.value, value }) })
                }
              />
              <TextInput
                aria-label={t`Value of ${key}`}
                value={value}
                onChange={event =>
                  set({ attributes: values.attributes.with(i, { key, value: event.currentTarget.value }) })
                }
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t`Take away: ${key}`}
                onClick={() => set({ attributes: values.attributes.toSpliced(i, 1) })}
              >
                <Icon name="trash" size={16} />
              </ActionIcon>
            </div>
          ))}
          <Refused>{wrong.setAttributes}</Refused>
          <Button
            size="xs"
            variant="default"
            w="fit-content"
            onClick={() => set({ attributes: [...values.attributes, { key: '', value: '' }] })}
          >
            <Trans>Add an attribute</Trans>
          </Button>
        </Stack>
        <Group gap="xs">
          <Button type="submit" size="xs" loading={busy}>
            <Trans>Save</Trans>
          </Button>
          <Button size="xs" variant="default" onClick={onCancel}>
            <Trans>Leave it</Trans>
          </Button>
        </Group>
      </Stack>
    </form>
  );
};
