import { useLingui } from '@lingui/react/macro';
import type { CampaignStatus, CampaignStatusReason } from '../graphql/graphql';
import type { Tone } from './ui';

// useCampaignWords says what a campaign's states mean, and of each reason what to do about it.
export const useCampaignWords = () => {
  const { t } = useLingui();
  const statuses: Record<CampaignStatus, { text: string; tone: Tone }> = {
    DRAFT: { text: t`Draft`, tone: 'calm' },
    SCHEDULED: { text: t`Scheduled`, tone: 'busy' },
    PREPARING: { text: t`Preparing`, tone: 'busy' },
    RUNNING: { text: t`Running`, tone: 'busy' },
    PAUSED: { text: t`Paused`, tone: 'fair' },
    COMPLETED: { text: t`Completed`, tone: 'good' },
    CANCELED: { text: t`Canceled`, tone: 'calm' },
    FAILED: { text: t`Failed`, tone: 'bad' },
  };
  const reasons: Record<CampaignStatusReason, string> = {
    PAUSED_BY_USER: t`A member paused it. It goes on when somebody resumes it.`,
    MESSAGING_LIMIT: t`The 24-hour limit of new conversations is used up. It goes on by itself as the limit frees.`,
    TEMPLATE_PAUSED: t`WhatsApp paused the template, since too many people blocked or reported it. It goes on when WhatsApp lets it.`,
    TEMPLATE_DISABLED: t`WhatsApp disabled the template for good. Use another one.`,
    QUALITY_LOW: t`Many people opted out or the number's quality fell. Look at whom you write to, and how often, before you resume.`,
    ACCOUNT_RESTRICTED: t`WhatsApp restricted the account. Its remedy stands at the account.`,
    TOKEN_INVALID: t`WhatsApp takes the access token no more. Connect the account again with a new one.`,
    PAYMENT_ISSUE: t`There is no valid way to pay at Meta. Set one up in the Business Manager.`,
    FAILURE_RATE: t`Too many messages failed. Look at the reasons before you resume.`,
    ORGANIZATION_SUSPENDED: t`The operator suspended the organization. It goes on by itself when that ends.`,
    QUIET_HOURS: t`It is night for the recipients. It goes on by itself in the morning.`,
    MISSING_PARAMETER: t`Somebody lacks a value that the template needs, and the campaign was told to stop then.`,
    NUMBER_UNAVAILABLE: t`The phone number cannot send now.`,
    TERMS_NOT_ACCEPTED: t`New terms of service are to be accepted. It goes on by itself then.`,
    QUOTA_REACHED: t`The day's quota that the operator set is used up. It goes on by itself tomorrow.`,
    SCHEDULE_MISSED: t`The service was down at the planned time. Launch it if it is still wanted.`,
    AUDIENCE_EMPTY: t`Nobody is in the audience.`,
    RECIPIENTS_PENDING: t`A file of recipients was still being read when it was to start. Resume it once the file is in.`,
    CANARY_FAILED: t`Too many of the first messages failed, so the rest was held back. Look at the reasons.`,
  };
  return {
    status: (status: CampaignStatus) => statuses[status],
    reason: (reason: CampaignStatusReason) => reasons[reason],
  };
};
