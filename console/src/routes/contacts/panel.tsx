import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Drawer, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useSubscription } from 'urql';
import type { ContactPanelQuery } from '../../graphql/graphql';
import { countryOf, useContactWords } from '../../shared/contact-words';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useLiveQuery } from '../../shared/live';
import { useMessageWords } from '../../shared/message-words';
import { useStore } from '../../shared/store';
import { Copy, Empty, Lines, Rows, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { ConsentForm } from './consent';
import styles from './contacts.module.css';
import { Edit } from './edit';
import { Erase } from './erase';

const ContactDocument = graphql(`
  query ContactPanel($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Contact {
        name phone waPhone waUserId username country language timeZone tags suppressed createdAt serviceWindowClosesAt
        marketingConsent
        lists { id name }
        attributes { key value }
        consentHistory { consent saidBy saidAt source evidence }
        messages(first: 20) {
          edges { node { id direction status createdAt text error { title } campaign { id name } template { id name } } }
          pageInfo { hasNextPage }
        }
      }
    }
  }
`);

const EventsDocument = graphql(`
  subscription ContactEvents($id: ID!) {
    deliveryEvents(filter: { contactId: $id }) { cursor events { sequence } }
  }
`);

export type Contact = Extract<NonNullable<ContactPanelQuery['node']>, { __typename: 'Contact' }>;

type Doing = 'edit' | 'consent' | 'erase';

// ContactPanel is one person: who they are, what they agreed to, what was written.
const ContactPanel = ({ id, onClose, onErased }: { id: string; onClose: () => void; onErased: () => void }) => {
  const { t } = useLingui();
  const may = useMay('CAMPAIGNER');
  const [doing, setDoing] = useState<Doing>();
  const [{ data, error }, read] = useLiveQuery({ query: ContactDocument, variables: { id } });
  useSubscription({ query: EventsDocument, variables: { id } }, (_, news) => {
    if (news.deliveryEvents.events.length) void read();
    return news;
  });
  const contact = data?.node?.__typename === 'Contact' ? data.node : undefined;
  const title = contact ? (contact.name ?? contact.phone ?? contact.id) : t`Contact`;
  const done = () => {
    setDoing(undefined);
    void read();
  };
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={520}
      title={<bdi>{title}</bdi>}
      closeButtonProps={{ 'aria-label': t`Close` }}
    >
      {error && !contact ? (
        <Trouble error={error} again={read} />
      ) : !contact ? (
        <Lines count={8} />
      ) : (
        <Stack gap="lg">
          <Facts contact={contact} />
          {may && !doing && (
            <Group gap="xs">
              <Button size="xs" variant="default" onClick={() => setDoing('edit')}>
                <Trans>Change</Trans>
              </Button>
              <Button size="xs" variant="default" onClick={() => setDoing('consent')}>
                <Trans>Record consent</Trans>
              </Button>
              <Button size="xs" variant="outline" color="red" onClick={() => setDoing('erase')}>
                <Trans>Erase…</Trans>
              </Button>
            </Group>
          )}
          {doing === 'edit' && <Edit contact={contact} onDone={done} onCancel={() => setDoing(undefined)} />}
          {doing === 'consent' && <ConsentForm id={id} onDone={done} onCancel={() => setDoing(undefined)} />}
          {doing === 'erase' && (
            <Erase
              contact={contact}
              onCancel={() => setDoing(undefined)}
              onDone={() => {
                onErased();
                onClose();
              }}
            />
          )}
          <Consents contact={contact} />
          <Messages contact={contact} />
        </Stack>
      )}
    </Drawer>
  );
};

const Facts = ({ contact }: { contact: Contact }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const said = useContactWords();
  const consent = said.consent(contact.marketingConsent);
  const facts: [string, string | null | undefined][] = [
    [t`Number at WhatsApp`, contact.waPhone],
    [t`User name`, contact.username],
    [t`User id`, contact.waUserId],
    [t`Country`, contact.country && countryOf(contact.country, spoken)],
    [t`Language`, contact.language],
    [t`Time zone`, contact.timeZone],
    [t`Lists`, contact.lists.map(list => list.name).join(', ')],
    [t`Tags`, contact.tags.join(', ')],
    ...contact.attributes.map(({ key, value }): [string, string] => [key, value]),
  ];
  return (
    <Stack gap="xs">
      <Group gap="md">
        {contact.suppressed && <State tone="bad">{t`Suppressed: nothing is written to them`}</State>}
        <State tone={consent.tone}>{consent.text}</State>
      </Group>
      <dl className={styles.facts}>
        {contact.phone && (
          <>
            <dt>{t`Number`}</dt>
            <dd>
              <Group gap={4}>
                {contact.phone} <Copy text={contact.phone} label={t`Copy the number`} />
              </Group>
            </dd>
          </>
        )}
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name} style={{ display: 'contents' }}>
                <dt>{name}</dt>
                <dd>
                  <bdi>{value}</bdi>
                </dd>
              </div>
            ),
        )}
        <dt>{t`Added`}</dt>
        <dd>
          <When time={contact.createdAt} zone={me.zone} />
        </dd>
        {contact.serviceWindowClosesAt && (
          <>
            <dt>{t`May be answered freely`}</dt>
            <dd>
              <When time={contact.serviceWindowClosesAt} zone={me.zone} relative />
            </dd>
          </>
        )}
      </dl>
    </Stack>
  );
};

const Consents = ({ contact }: { contact: Contact }) => {
  const { t } = useLingui();
  const me = useMe();
  const said = useContactWords();
  return (
    <section aria-label={t`Consent`}>
      <Title order={2} mb="xs">
        <Trans>Consent</Trans>
      </Title>
      {contact.consentHistory.length === 0 ? (
        <Empty>
          <Trans>Nothing was said yet.</Trans>
        </Empty>
      ) : (
        <Rows>
          {contact.consentHistory.toReversed().map((record, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: they have no ids
            <li key={i}>
              <Group justify="space-between" gap="xs">
                <State tone={said.consent(record.consent).tone}>{said.consent(record.consent).text}</State>
                <Text size="xs" c="dimmed">
                  {record.saidBy === 'CONTACT' ? t`They themselves` : t`The organization`} ·{' '}
                  <When time={record.saidAt} zone={me.zone} />
                </Text>
              </Group>
              <Text size="sm">{[record.source, record.evidence].filter(Boolean).join(' · ')}</Text>
            </li>
          ))}
        </Rows>
      )}
    </section>
  );
};

const Messages = ({ contact }: { contact: Contact }) => {
  const { t } = useLingui();
  const me = useMe();
  const said = useMessageWords();
  return (
    <section aria-label={t`Messages`}>
      <Group justify="space-between" mb="xs">
        <Title order={2}>
          <Trans>Messages</Trans>
        </Title>
        {contact.messages.pageInfo.hasNextPage && contact.phone && (
          <Go to="/messages" search={{ find: contact.phone }}>
            <Trans>All of them</Trans>
          </Go>
        )}
      </Group>
      {contact.messages.edges.length === 0 ? (
        <Empty>
          <Trans>Nothing was written yet.</Trans>
        </Empty>
      ) : (
        <Rows>
          {contact.messages.edges.map(({ node }) => (
            <li key={node.id}>
              <Group justify="space-between" gap="xs">
                <Go to="/messages/$id" params={{ id: node.id }}>
                  {node.direction === 'INBOUND'
                    ? t`From them`
                    : (node.campaign?.name ?? node.template?.name ?? t`To them`)}
                </Go>
                <State tone={said(node.status).tone}>{said(node.status).text}</State>
              </Group>
              {node.text && (
                <Text size="sm" lineClamp={2}>
                  <bdi>{node.text}</bdi>
                </Text>
              )}
              {node.error && <Text size="sm">{node.error.title}</Text>}
              <Text size="xs" c="dimmed">
                <When time={node.createdAt} zone={me.zone} />
              </Text>
            </li>
          ))}
        </Rows>
      )}
    </section>
  );
};

export default ContactPanel;
