import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useForm } from '../../shared/form';
import { number as written } from '../../shared/format';
import { type FragmentType, read as unmask } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { MenuButton } from '../../shared/menu';
import { useStore } from '../../shared/store';
import { useTemplateWords } from '../../shared/template-words';
import { Refused, State, type Tone } from '../../shared/ui';
import { useMay } from '../../shared/viewer';
import styles from './accounts.module.css';
import { CapDocument, NumberFragment } from './documents';

const Profile = lazy(() => import('./profile'));
const Registration = lazy(() => import('./registration'));

export type Asked = 'profile' | 'register' | 'deregister' | 'verify';

type Props = { number: FragmentType<typeof NumberFragment>; connected: boolean; read: () => unknown };

// NumberRow is one number: what WhatsApp says of it, how fast it sends, and what can be done.
export const NumberRow = ({ number: masked, connected, read }: Props) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const may = useMay('ADMIN');
  const [asked, setAsked] = useState<Asked>();
  const number = unmask(NumberFragment, masked);
  const n = (value: number) => written(value, spoken);
  const quality = words.quality(number.qualityRating);
  const tone: Tone = number.status === 'CONNECTED' ? 'good' : 'fair';
  const statuses: Record<string, string> = {
    CONNECTED: t`Connected`,
    PENDING: t`Not registered yet`,
    UNVERIFIED: t`Not verified yet`,
    DISCONNECTED: t`Disconnected`,
    BANNED: t`Banned by WhatsApp`,
    RESTRICTED: t`Restricted by WhatsApp`,
    FLAGGED: t`Flagged by WhatsApp`,
    RATE_LIMITED: t`Slowed down by WhatsApp`,
  };
  return (
    <li>
      <Stack gap={6}>
        <Group justify="space-between" gap="xs">
          <Text size="sm" fw={600}>
            {number.displayNumber} · <bdi>{number.verifiedName}</bdi>
            {number.username && ` · @${number.username}`}
          </Text>
          <Group gap="md">
            <State tone={quality.tone}>{quality.text}</State>
            <State tone={tone}>{statuses[number.status] ?? number.status}</State>
            {may && connected && (
              <MenuButton
                size="compact-sm"
                variant="default"
                rightSection={<Icon name="chevron" size={14} />}
                aria-label={t`Change ${number.displayNumber}`}
                entries={[
                  { label: t`Profile…`, act: () => setAsked('profile') },
                  { label: t`Verify…`, act: () => setAsked('verify') },
                  { label: t`Register…`, act: () => setAsked('register') },
                  { label: t`Take out of the API…`, act: () => setAsked('deregister') },
                ]}
              >
                <Trans>Change</Trans>
              </MenuButton>
            )}
          </Group>
        </Group>
        <Text size="sm" c="dimmed">
          {t`${n(Math.round(number.currentRate))} a second now, ${n(number.throughput)} allowed, ${n(number.queued)} waiting`}
        </Text>
        {number.shared && (
          <Text size="sm">
            <Trans>Another app shares its conversations: replies and STOP may go there.</Trans>
          </Text>
        )}
        {may && <Cap id={number.id} cap={number.throughputCap ?? null} name={number.displayNumber} />}
      </Stack>
      <Suspense>
        {asked === 'profile' && (
          <Profile id={number.id} name={number.displayNumber} onClose={() => setAsked(undefined)} />
        )}
        {asked && asked !== 'profile' && (
          <Registration
            what={asked}
            id={number.id}
            name={number.displayNumber}
            onClose={() => {
              setAsked(undefined);
              void read();
            }}
          />
        )}
      </Suspense>
    </li>
  );
};

const Cap = ({ id, cap, name }: { id: string; cap: number | null; name: string }) => {
  const { t } = useLingui();
  const form = useForm({
    name: `cap.${id}`,
    initial: { throughputCap: cap === null ? '' : String(cap) },
    document: CapDocument,
    input: v => ({ phoneNumberId: id, throughputCap: v.throughputCap.trim() ? Number(v.throughputCap) : null }),
    payload: data => data.updatePhoneNumber,
    done: () => undefined,
  });
  const changed = form.values.throughputCap !== (cap === null ? '' : String(cap));
  return (
    <form {...form.props}>
      <Refused>{form.wrong['']}</Refused>
      <Group gap="xs" align="flex-end">
        <TextInput
          className={styles.cap}
          size="xs"
          label={t`At most a second`}
          aria-label={t`At most a second from ${name}`}
          placeholder={t`No cap`}
          inputMode="numeric"
          {...form.text('throughputCap')}
        />
        {changed && (
          <Button type="submit" size="xs" variant="default" loading={form.busy}>
            <Trans>Save</Trans>
          </Button>
        )}
      </Group>
    </form>
  );
};
