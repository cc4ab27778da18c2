import { useLingui } from '@lingui/react/macro';
import type { CampaignProgressFieldsFragment } from '../graphql/graphql';
import styles from './bar.module.css';
import { number } from './format';
import { language } from './i18n';
import { useStore } from './store';

// Bar shows what has become of a campaign's messages, each in the part of its furthest state.
export const Bar = ({ progress, name }: { progress: CampaignProgressFieldsFragment; name: string }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const n = (value: number) => number(value, spoken);
  const { read, delivered, sent, accepted, failed, unknown, skipped, canceled, total } = progress;
  const label = t`${name}: ${n(read)} read, ${n(delivered)} delivered, ${n(sent + accepted)} sent, ${n(failed)} failed, ${n(
    skipped + canceled,
  )} not sent, of ${n(total)}`;
  const widths: [string | undefined, number][] = [
    [styles.read, read],
    [styles.delivered, delivered],
    [styles.sent, sent + accepted],
    [styles.unknown, unknown],
    [styles.failed, failed],
    [styles.skipped, skipped + canceled],
  ];
  return (
    <div className={styles.bar} role="img" aria-label={label}>
      {widths.map(
        ([part, value]) =>
          value > 0 && (
            <div
              key={part}
              className={`${styles.part} ${part}`}
              style={{ width: `${(100 * value) / Math.max(1, total)}%` }}
            />
          ),
      )}
    </div>
  );
};
