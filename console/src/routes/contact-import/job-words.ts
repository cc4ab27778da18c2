import { useLingui } from '@lingui/react/macro';
import type { JobStatus } from '../../graphql/graphql';
import type { Tone } from '../../shared/ui';

export const useJobWords = () => {
  const { t } = useLingui();
  const statuses: Record<JobStatus, { text: string; tone: Tone }> = {
    PENDING: { text: t`Waiting`, tone: 'calm' },
    RUNNING: { text: t`Running`, tone: 'busy' },
    COMPLETED: { text: t`Completed`, tone: 'good' },
    FAILED: { text: t`Failed`, tone: 'bad' },
    CANCELED: { text: t`Canceled`, tone: 'calm' },
  };
  return (status: JobStatus) => statuses[status];
};
