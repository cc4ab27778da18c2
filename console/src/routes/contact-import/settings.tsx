import { Trans, useLingui } from '@lingui/react/macro';
import { Progress as Bar, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMemo, useRef, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Choice } from '../../shared/choice';
import { refusals } from '../../shared/errors';
import { Panel, Refused } from '../../shared/ui';
import { upload } from '../../shared/upload';
import { type Column, mappingOf } from './columns';
import { ImportDocument, ListsDocument, NewListDocument } from './documents';
import type { How } from './wizard';

const none = 'none';
const fresh = 'new';

type Props = { file: File; columns: Column[]; how: How; onBegun: (id: string) => void };

// Settings is what is done with the people of the file: their list, and what they agreed to.
export const Settings = ({ file, columns, how, onBegun }: Props) => {
  const { t } = useLingui();
  const client = useClient();
  const [{ data }] = useQuery({ query: ListsDocument, requestPolicy: 'cache-and-network' });
  const [list, setList] = useState(none);
  const [named, setNamed] = useState(file.name.replace(/\.[^.]+$/, ''));
  const [consent, setConsent] = useState('');
  const [source, setSource] = useState('');
  const [share, setShare] = useState<number>();
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const stop = useRef<AbortController>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another file is another import
  const idempotencyKey = useMemo(() => crypto.randomUUID(), [file]);

  const listId = async (): Promise<string | undefined> => {
    if (list !== fresh) return list === none ? '' : list;
    const made = await client.mutation(NewListDocument, { input: { name: named } }).toPromise();
    const id = made.data?.createContactList.contactList?.id;
    if (id) {
      setList(id);
      return id;
    }
    const said = made.data?.createContactList.userErrors.map(error => error.message).join(' ');
    setWrong({ list: said || t`The service does not answer. Nothing is lost: try again in a moment.` });
    return undefined;
  };

  const begin = async () => {
    setWrong({});
    if (!consent) {
      setWrong({ consent: t`Say what these people agreed to.` });
      return;
    }
    const to = await listId();
    if (to === undefined) return;
    stop.current = new AbortController();
    setShare(0);
    const { data: begun, ...not } = await upload(
      ImportDocument,
      {
        file,
        columns: mappingOf(columns),
        idempotencyKey,
        ...(to ? { listId: to } : {}),
        ...(how.defaultCountry ? { defaultCountry: how.defaultCountry } : {}),
        ...(how.numbers ? { numbersWithoutPlus: how.numbers } : {}),
        ...(consent === none ? {} : { consent: { consent: 'OPTED_IN', source } }),
      },
      { progress: setShare, signal: stop.current.signal },
    );
    setShare(undefined);
    const answer = begun?.importContacts;
    if (answer?.contactImport) onBegun(answer.contactImport.id);
    else if (answer) setWrong(refusals(answer.userErrors, ['consent.source', 'consent', 'listId', 'columns', 'file']));
    else if (!not.canceled)
      setWrong({ '': not.refused ?? t`The service does not answer. Nothing is lost: try again in a moment.` });
  };

  return (
    <Panel title={t`These people`}>
      <Stack gap="sm">
        <Refused>{[wrong[''], wrong.file, wrong.columns].filter(Boolean).join(' ') || undefined}</Refused>
        <Group gap="md" align="flex-start">
          <Choice
            label={t`Put them on a list`}
            data={[
              { value: none, label: t`No list` },
              { value: fresh, label: t`A new list` },
              ...(data?.contactLists.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? []),
            ]}
            value={list}
            error={list === fresh ? undefined : (wrong.listId ?? wrong.list)}
            onChange={value => setList(value ?? none)}
          />
          {list === fresh && (
            <TextInput
              label={t`Name of the list`}
              value={named}
              error={wrong.list}
              onChange={event => setNamed(event.currentTarget.value)}
            />
          )}
        </Group>
        <Group gap="md" align="flex-start">
          <Choice
            label={t`Consent to marketing`}
            any={t`Choose one`}
            data={[
              { value: 'OPTED_IN', label: t`All of them have agreed` },
              { value: none, label: t`Not known: nothing is recorded` },
            ]}
            value={consent || null}
            error={wrong.consent}
            onChange={value => setConsent(value ?? '')}
          />
          {consent === 'OPTED_IN' && (
            <TextInput
              label={t`Where and when they agreed`}
              description={t`Such as: form in the shop, 2026-03-01`}
              value={source}
              error={wrong['consent.source']}
              onChange={event => setSource(event.currentTarget.value)}
            />
          )}
        </Group>
        <Text size="xs" c="dimmed">
          <Trans>Who has opted out stays so, whatever the file says.</Trans>
        </Text>
        {share !== undefined && (
          <Group gap="xs" wrap="nowrap">
            <Bar value={share * 100} flex={1} aria-label={t`Progress of the upload`} />
            <Button size="compact-xs" variant="default" onClick={() => stop.current?.abort()}>
              <Trans>Cancel</Trans>
            </Button>
          </Group>
        )}
        <Button w="fit-content" loading={share !== undefined} onClick={begin}>
          <Trans>Import them</Trans>
        </Button>
      </Stack>
    </Panel>
  );
};
