import { useLingui } from '@lingui/react/macro';
import type { ButtonType, HeaderFormat, QualityRating, TemplateCategory, TemplateStatus } from '../graphql/graphql';
import type { Tone } from './ui';

export const templateStatuses: TemplateStatus[] = [
  'DRAFT',
  'PENDING',
  'APPROVED',
  'REJECTED',
  'PAUSED',
  'DISABLED',
  'IN_APPEAL',
  'ARCHIVED',
  'LIMIT_EXCEEDED',
];

export const templateCategories: TemplateCategory[] = ['MARKETING', 'UTILITY', 'AUTHENTICATION'];

// useTemplateWords says what is called how, and what each status lets one do.
export const useTemplateWords = () => {
  const { t } = useLingui();
  const statuses: Record<TemplateStatus, { text: string; tone: Tone; advice: string }> = {
    DRAFT: { text: t`Draft`, tone: 'calm', advice: t`It is here alone. Submit it, and WhatsApp reviews it.` },
    PENDING: {
      text: t`In review`,
      tone: 'busy',
      advice: t`WhatsApp reviews it, mostly within minutes, at most a day.`,
    },
    APPROVED: { text: t`Approved`, tone: 'good', advice: t`Messages of it can be sent.` },
    REJECTED: {
      text: t`Rejected`,
      tone: 'bad',
      advice: t`Change what WhatsApp refused, and submit it again.`,
    },
    PAUSED: {
      text: t`Paused by WhatsApp`,
      tone: 'fair',
      advice: t`Too many people blocked or reported it. It mostly ends by itself after 3, then 6 hours. Write to fewer people, who want it.`,
    },
    DISABLED: {
      text: t`Disabled by WhatsApp`,
      tone: 'bad',
      advice: t`It was paused too often, or breaks a policy. Nothing brings it back: make another template.`,
    },
    IN_APPEAL: { text: t`In appeal`, tone: 'busy', advice: t`WhatsApp looks at the rejection again.` },
    PENDING_DELETION: { text: t`Being deleted`, tone: 'calm', advice: t`It is gone soon.` },
    DELETED: { text: t`Deleted`, tone: 'calm', advice: t`Its messages can still be read.` },
    LIMIT_EXCEEDED: {
      text: t`Over the limit`,
      tone: 'bad',
      advice: t`The account has as many templates as WhatsApp allows. Delete others.`,
    },
    ARCHIVED: {
      text: t`Archived by WhatsApp`,
      tone: 'fair',
      advice: t`Nobody used it for 12 months. WhatsApp deletes it after 28 days, unless it is brought back there.`,
    },
  };
  const categories: Record<TemplateCategory, { text: string; means: string }> = {
    MARKETING: { text: t`Marketing`, means: t`Offers, news, invitations.` },
    UTILITY: { text: t`Utility`, means: t`About something that the person ordered or asked for.` },
    AUTHENTICATION: { text: t`Authentication`, means: t`A one-time password. WhatsApp writes the text.` },
  };
  const qualities: Record<QualityRating, { text: string; tone: Tone }> = {
    GREEN: { text: t`High quality`, tone: 'good' },
    YELLOW: { text: t`Medium quality`, tone: 'fair' },
    RED: { text: t`Low quality`, tone: 'bad' },
    UNKNOWN: { text: t`Quality not known yet`, tone: 'calm' },
  };
  const formats: Record<HeaderFormat, string> = {
    TEXT: t`Text`,
    IMAGE: t`Picture`,
    VIDEO: t`Video`,
    DOCUMENT: t`Document`,
    LOCATION: t`Place`,
    GIF: t`Moving picture`,
    PRODUCT: t`Product`,
  };
  const buttons: Record<ButtonType, string> = {
    QUICK_REPLY: t`Quick reply`,
    URL: t`Opens a web page`,
    PHONE_NUMBER: t`Calls a number`,
    COPY_CODE: t`Copies a coupon code`,
    OTP: t`Hands over a one-time password`,
    FLOW: t`Opens a WhatsApp Flow`,
    CATALOG: t`Opens the catalog`,
    MPM: t`Shows several products`,
    SPM: t`Shows one product`,
    VOICE_CALL: t`Calls the business on WhatsApp`,
    CALL_PERMISSION_REQUEST: t`Asks whether the business may call`,
    REQUEST_CONTACT_INFO: t`Asks for the phone number`,
    OTHER: t`Another button`,
  };
  return {
    status: (status: TemplateStatus) => statuses[status],
    category: (category: TemplateCategory) => categories[category],
    quality: (quality: QualityRating) => qualities[quality],
    format: (format: HeaderFormat) => formats[format],
    button: (type: ButtonType) => buttons[type],
  };
};
