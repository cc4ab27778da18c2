import { Trans, useLingui } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { memo } from 'react';
import { language } from '../../shared/i18n';
import { type LogEvent, useLog } from '../../shared/log';
import { useMessageWords } from '../../shared/message-words';
import { useStore } from '../../shared/store';
import { Empty, Panel, State } from '../../shared/ui';
import { useMe } from '../../shared/viewer';
import styles from './campaign.module.css';

const Line = memo(({ event, clock }: { event: LogEvent; clock: Intl.DateTimeFormat }) => {
  const { text, tone } = useMessageWords()(event.status);
  return (
    <li className={styles.event}>
      <time dateTime={event.at}>{clock.format(new Date(event.at))}</time>
      <bdi>{event.message.to}</bdi>
      <State tone={tone}>{text}</State>
      {event.error && <span className={styles.reason}>{event.error.title}</span>}
    </li>
  );
});

// Stream is what happens to messages, as it happens.
export const Stream = ({ campaignId }: { campaignId: string }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const { events, away } = useLog(campaignId);
  const clock = new Intl.DateTimeFormat(spoken, { timeStyle: 'medium', timeZone: me.zone });
  return (
    <Panel
      title={t`As it happens`}
      actions={
        away > 0 && (
          <Text size="xs" c="dimmed">
            <Trans>{away} while you were away</Trans>
          </Text>
        )
      }
    >
      {events.length === 0 ? (
        <Empty>
          <Trans>What happens from now on stands here.</Trans>
        </Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        <ul className={styles.stream} tabIndex={0} aria-label={t`As it happens`}>
          {events.map(event => (
            <Line key={event.sequence} event={event} clock={clock} />
          ))}
        </ul>
      )}
    </Panel>
  );
};
