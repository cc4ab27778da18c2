import { useLingui } from '@lingui/react/macro';
import type { SkipReason } from '../graphql/graphql';

// useSkipWords says why somebody gets nothing.
export const useSkipWords = () => {
  const { t } = useLingui();
  const reasons: Partial<Record<SkipReason, string>> = {
    OPTED_OUT: t`has opted out`,
    NO_OPT_IN: t`has not opted in`,
    CONTACT_DELETED: t`was erased`,
    DUPLICATE: t`is in the audience twice`,
    INVALID_NUMBER: t`the number cannot exist`,
    MISSING_PARAMETER: t`a value of the template is missing`,
    INVALID_PARAMETER: t`a value cannot be sent`,
    FREQUENCY_CAP: t`has got as much marketing as a person may`,
    SUPPRESSED: t`is on the suppression list`,
    BLOCKED: t`has blocked the number`,
    COUNTRY_RULE: t`the country does not allow it`,
    EXPIRED: t`the time to send was over`,
    NO_TRANSLATION: t`the template is not in their language`,
  };
  return (reason: SkipReason) => reasons[reason] ?? reason;
};
