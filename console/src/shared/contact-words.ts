import { useLingui } from '@lingui/react/macro';
import type { CampaignOutcome, Consent } from '../graphql/graphql';
import type { Condition } from './conditions';
import type { Tone } from './ui';

export const outcomes: CampaignOutcome[] = [
  'DELIVERED',
  'NOT_DELIVERED',
  'READ',
  'NOT_READ',
  'REPLIED',
  'NOT_REPLIED',
  'FAILED',
  'SKIPPED',
];

// useContactWords says what is called how about people and the rules that find them.
export const useContactWords = () => {
  const { t } = useLingui();
  const consents: Record<Consent, { text: string; tone: Tone }> = {
    OPTED_IN: { text: t`Opted in`, tone: 'good' },
    OPTED_OUT: { text: t`Opted out`, tone: 'bad' },
    UNKNOWN: { text: t`Not known`, tone: 'calm' },
  };
  const fields: Record<Condition['field'], string> = {
    search: t`Name or number`,
    consent: t`Consent`,
    lists: t`List`,
    country: t`Country`,
    language: t`Language`,
    tags: t`Tag`,
    attribute: t`Attribute`,
    outcome: t`Earlier campaign`,
    created: t`Added`,
  };
  const ops: Record<Condition['op'], string> = {
    in: t`is one of`,
    equals: t`is`,
    'not in': t`is none of`,
    exists: t`is there`,
    missing: t`is missing`,
    after: t`from this day on`,
    before: t`before this day`,
  };
  const results: Record<CampaignOutcome, string> = {
    SKIPPED: t`Got nothing`,
    FAILED: t`Failed`,
    NOT_DELIVERED: t`Not delivered`,
    DELIVERED: t`Delivered`,
    NOT_READ: t`Not read`,
    READ: t`Read`,
    REPLIED: t`Answered`,
    NOT_REPLIED: t`Not answered`,
  };
  return {
    consent: (consent: Consent) => consents[consent],
    field: (field: Condition['field']) => fields[field],
    op: (op: Condition['op']) => ops[op],
    outcome: (outcome: CampaignOutcome) => results[outcome],
  };
};

// countryOf is what a country is called.
export const countryOf = (code: string, spoken: string): string => {
  try {
    return new Intl.DisplayNames(spoken, { type: 'region' }).of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
};
