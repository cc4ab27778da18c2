import { useLingui } from '@lingui/react/macro';
import { ActionIcon, Alert, Button, CopyButton, Group, Skeleton, Stack, Text, Title, Tooltip } from '@mantine/core';
import type { CombinedError } from '@urql/core';
import { type ReactNode, useEffect } from 'react';
import { words } from './errors';
import { ago, exactly, moment } from './format';
import { language } from './i18n';
import { Icon } from './icons';
import { useStore } from './store';
import styles from './ui.module.css';

// Page is one page with its title, which is the window's, too.
export const Page = ({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) => {
  useEffect(() => {
    document.title = `${title} · Carillon`;
  }, [title]);
  return (
    <div className={styles.page}>
      <div className={styles.head}>
        <Title order={1}>{title}</Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </div>
      {children}
    </div>
  );
};

export const Panel = ({ title, actions, children }: { title?: string; actions?: ReactNode; children: ReactNode }) => (
  <section className={styles.panel} aria-label={title}>
    {title && (
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2}>{title}</Title>
        {actions}
      </Group>
    )}
    {children}
  </section>
);

export const Grid = ({ children }: { children: ReactNode }) => <div className={styles.grid}>{children}</div>;

export type Tone = 'good' | 'fair' | 'bad' | 'busy' | 'calm';

// State says in words what a color says too.
export const State = ({ tone, children }: { tone: Tone; children: ReactNode }) => (
  <span className={`${styles.state} ${styles[tone]}`}>{children}</span>
);

export const Figures = ({ of }: { of: { label: string; value: ReactNode }[] }) => (
  <dl className={styles.figures}>
    {of.map(({ label, value }) => (
      <div key={label}>
        <dt>{label}</dt>
        <dd>{value}</dd>
      </div>
    ))}
  </dl>
);

export const Rows = ({ children }: { children: ReactNode }) => <ul className={styles.rows}>{children}</ul>;

export const Empty = ({ children, action }: { children: ReactNode; action?: ReactNode }) => (
  <Stack gap="xs" align="flex-start" className={styles.empty}>
    <Text size="sm">{children}</Text>
    {action}
  </Stack>
);

// When is a time in the organization's zone; the exact one, with the zone's name, shows on hover.
export const When = ({ time, zone, relative = false }: { time: string; zone: string; relative?: boolean }) => {
  const spoken = useStore(language);
  return (
    <Tooltip label={exactly(time, spoken, zone)}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the exact time shows on focus, too */}
      <time dateTime={time} tabIndex={0}>
        {relative ? ago(time, spoken) : moment(time, spoken, zone)}
      </time>
    </Tooltip>
  );
};

export const Copy = ({ text, label }: { text: string; label?: string }) => {
  const { t } = useLingui();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t`Copied` : (label ?? t`Copy`)}>
          <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={label ?? t`Copy`} size="sm">
            <Icon name={copied ? 'check' : 'copy'} size={16} />
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
};

// Refused is why a form as a whole was not taken.
export const Refused = ({ children }: { children?: string }) =>
  children ? (
    <Alert color="red" variant="light" role="alert" icon={<Icon name="alert" />}>
      {children}
    </Alert>
  ) : null;

// Trouble is a page's data that did not come.
export const Trouble = ({ error, again }: { error: CombinedError; again: () => void }) => {
  const { t } = useLingui();
  return (
    <Alert color="red" variant="light" role="alert" icon={<Icon name="alert" />}>
      <Text size="sm" mb="xs">
        {words(error, t`The service does not answer.`)}
      </Text>
      <Button size="xs" variant="default" onClick={again}>
        {t`Try again`}
      </Button>
    </Alert>
  );
};

export const Lines = ({ count = 3 }: { count?: number }) => (
  <Stack gap="sm" aria-hidden="true">
    {Array.from({ length: count }, (_, i) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
      <Skeleton key={i} height={16} width={`${92 - ((i * 17) % 40)}%`} />
    ))}
  </Stack>
);
