import { useLingui } from '@lingui/react/macro';
import type { MessageStatus } from '../graphql/graphql';
import type { Tone } from './ui';

export const messageStatuses: MessageStatus[] = [
  'QUEUED',
  'ACCEPTED',
  'SENT',
  'DELIVERED',
  'READ',
  'FAILED',
  'UNKNOWN',
  'SKIPPED',
  'CANCELED',
  'RECEIVED',
];

// useMessageWords says what the status of a message is called.
export const useMessageWords = () => {
  const { t } = useLingui();
  const statuses: Record<MessageStatus, { text: string; tone: Tone }> = {
    QUEUED: { text: t`Waiting`, tone: 'calm' },
    SENDING: { text: t`Being sent`, tone: 'busy' },
    ACCEPTED: { text: t`Taken by WhatsApp`, tone: 'busy' },
    HELD: { text: t`Held by WhatsApp`, tone: 'fair' },
    SENT: { text: t`Sent`, tone: 'busy' },
    DELIVERED: { text: t`Delivered`, tone: 'good' },
    READ: { text: t`Read`, tone: 'good' },
    FAILED: { text: t`Failed`, tone: 'bad' },
    UNKNOWN: { text: t`Not known`, tone: 'fair' },
    SKIPPED: { text: t`Not sent`, tone: 'calm' },
    CANCELED: { text: t`Canceled`, tone: 'calm' },
    RECEIVED: { text: t`Received`, tone: 'good' },
    EDITED: { text: t`Edited`, tone: 'calm' },
    REVOKED: { text: t`Taken back`, tone: 'calm' },
  };
  return (status: string) => statuses[status as MessageStatus] ?? { text: status, tone: 'calm' as const };
};
