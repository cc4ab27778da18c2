import { useLingui } from '@lingui/react/macro';
import { ActionIcon, Alert, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Severity } from '../../graphql/graphql';
import { Icon, type IconName } from '../../shared/icons';
import { variables, type Written } from './draft';
import styles from './editor.module.css';

// Problems are what WhatsApp's rules and the service say, by place on the page.
export type Problems = { place: string; message: string; severity: Severity }[];

// at are the problems of one field.
export const at = (problems: Problems, place: string) => problems.filter(problem => problem.place === place);

// refused is what is an error at a field; Hints says the rest.
export const refused = (problems: Problems, place: string): string | undefined =>
  at(problems, place)
    .filter(problem => problem.severity === 'ERROR')
    .map(problem => problem.message)
    .join(' ') || undefined;

// Hints are warnings at fields, and what is wrong with no field of its own.
export const Hints = ({ problems }: { problems: Problems }) =>
  problems.map(({ message, severity }) => (
    <Text key={message} size="xs" className={severity === 'ERROR' ? styles.wrong : styles.warning} role="note">
      <Icon name="alert" size={14} /> {message}
    </Text>
  ));

export const Act = ({ icon, label, onClick }: { icon: IconName; label: string; onClick: () => void }) => (
  <ActionIcon variant="subtle" color="gray" aria-label={label} title={label} onClick={onClick}>
    <Icon name={icon} size={16} />
  </ActionIcon>
);

// Part is one part of the message, with what is wrong and stands at none of its fields.
export const Part = ({
  title,
  place,
  fields,
  problems,
  onRemove,
  children,
}: {
  title: string;
  place: string;
  fields: string[]; // whose errors stand there
  problems: Problems;
  onRemove?: () => void;
  children: ReactNode;
}) => {
  const { t } = useLingui();
  const here = problems.filter(
    p => p.place === place || (p.place.startsWith(`${place}.`) && !/\.\d+/.test(p.place.slice(place.length))),
  );
  const loose = here.filter(p => p.severity === 'WARNING' || !fields.includes(p.place.slice(place.length + 1)));
  return (
    <section className={styles.part} aria-label={title}>
      <Group justify="space-between" wrap="nowrap" mb="sm">
        <Title order={2}>{title}</Title>
        {onRemove && <Act icon="trash" label={t`Take away: ${title}`} onClick={onRemove} />}
      </Group>
      <Stack gap="sm">
        {children}
        <Hints problems={loose} />
      </Stack>
    </section>
  );
};

// Words is a text with variables, and a sample for each of them.
export const Words = ({
  label,
  place,
  value,
  most,
  long,
  problems,
  onChange,
}: {
  label: string;
  place: string;
  value: Written;
  most: number;
  long?: boolean;
  problems: Problems;
  onChange: (value: Written) => void;
}) => {
  const { t } = useLingui();
  const names = variables(value.text);
  const common = {
    label,
    value: value.text,
    error: refused(problems, `${place}.text`),
    onChange: (event: { currentTarget: { value: string } }) => onChange({ ...value, text: event.currentTarget.value }),
    description: `${[...value.text].length} / ${most}`,
    inputWrapperOrder: ['label', 'input', 'description', 'error'] as ('label' | 'input' | 'description' | 'error')[],
  };
  const missing = refused(problems, `${place}.example`);
  return (
    <>
      {long ? <Textarea {...common} minRows={4} rows={6} dir="auto" /> : <TextInput {...common} dir="auto" />}
      {names.length > 0 && (
        <div className={styles.samples}>
          {names.map((name, i) => (
            <TextInput
              key={name}
              label={t`Sample for ${`{{${name}}}`}`}
              value={value.examples[name] ?? ''}
              error={i === 0 ? missing : !!missing && !value.examples[name]}
              onChange={event =>
                onChange({ ...value, examples: { ...value.examples, [name]: event.currentTarget.value } })
              }
            />
          ))}
        </div>
      )}
    </>
  );
};

export const Order = ({
  label,
  index,
  count,
  onMove,
  onRemove,
}: {
  label: string;
  index: number;
  count: number;
  onMove: (to: number) => void;
  onRemove: () => void;
}) => {
  const { t } = useLingui();
  return (
    <Group gap={4} wrap="nowrap">
      {index > 0 && <Act icon="up" label={t`Move up: ${label}`} onClick={() => onMove(index - 1)} />}
      {index < count - 1 && <Act icon="down" label={t`Move down: ${label}`} onClick={() => onMove(index + 1)} />}
      <Act icon="trash" label={t`Take away: ${label}`} onClick={onRemove} />
    </Group>
  );
};

// moved is a list with one of it elsewhere.
export const moved = <T,>(list: T[], from: number, to: number): T[] => {
  const rest = list.toSpliced(from, 1);
  return rest.toSpliced(to, 0, list[from] as T);
};

export const Failed = ({ children }: { children?: string }) =>
  children ? (
    <Alert color="red" variant="light" role="alert" icon={<Icon name="alert" />}>
      {children}
    </Alert>
  ) : null;
