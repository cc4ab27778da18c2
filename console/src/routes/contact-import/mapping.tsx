import { useLingui } from '@lingui/react/macro';
import { Group, Text, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { NumberForm } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { countryOf } from '../../shared/contact-words';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { Panel, Refused } from '../../shared/ui';
import { type Column, fields, roleOf, withRole } from './columns';
import styles from './import.module.css';
import type { How } from './wizard';

type Props = {
  columns: Column[];
  how: How;
  wrong: Record<string, string>;
  onColumns: (columns: Column[]) => void;
  onHow: (how: How) => void;
};

// Mapping says what each column becomes, and how numbers are written.
export const Mapping = ({ columns, how, wrong, onColumns, onHow }: Props) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const names: Record<(typeof fields)[number], string> = {
    phone: t`Number`,
    name: t`Name`,
    language: t`Language`,
    timeZone: t`Time zone`,
    country: t`Country`,
    waUserId: t`User id at WhatsApp`,
  };
  const roles = [
    { value: '', label: t`Nothing` },
    ...fields.map(value => ({ value, label: names[value] })),
    { value: 'attribute', label: t`Attribute` },
  ];
  return (
    <Panel title={t`Columns`}>
      <Refused>{wrong.columns}</Refused>
      <ul className={styles.columns}>
        {columns.map((column, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two may have one name
          <li key={i} className={styles.column}>
            <div className={styles.from}>
              <Text size="sm" fw={600}>
                <bdi>{column.column}</bdi>
              </Text>
              <Text size="xs" c="dimmed" lineClamp={1}>
                <bdi>{column.examples.join(' · ')}</bdi>
              </Text>
            </div>
            <Choice
              aria-label={t`What ${column.column} becomes`}
              data={roles}
              value={roleOf(column)}
              onChange={role => onColumns(columns.with(i, withRole(column, role ?? '')))}
            />
            {column.attribute ? (
              <Key
                label={t`Attribute for ${column.column}`}
                value={column.attribute}
                onChange={attribute => onColumns(columns.with(i, { ...column, attribute }))}
              />
            ) : (
              <span />
            )}
          </li>
        ))}
      </ul>
      <Group gap="md" mt="md" align="flex-start">
        <TextInput
          label={t`Country of numbers without a country code`}
          description={
            how.defaultCountry.length === 2 ? countryOf(how.defaultCountry, spoken) : t`Two letters, such as CN`
          }
          value={how.defaultCountry}
          error={wrong.defaultCountry}
          maxLength={2}
          onChange={event => onHow({ ...how, defaultCountry: event.currentTarget.value.toUpperCase() })}
        />
        <Choice
          label={t`Numbers without a +`}
          description={t`Where a number can be read in two ways`}
          any={t`As each can be one`}
          data={[
            { value: 'NATIONAL', label: t`Have no country code` },
            { value: 'INTERNATIONAL', label: t`Begin with their country code` },
          ]}
          value={how.numbers || null}
          error={wrong.numbersWithoutPlus}
          onChange={value => onHow({ ...how, numbers: (value ?? '') as NumberForm | '' })}
        />
      </Group>
    </Panel>
  );
};

// Key is taken when one leaves it, since each change has the file looked at again.
const Key = ({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) => {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const take = () => typed.trim() && typed.trim() !== value && onChange(typed.trim());
  return (
    <TextInput
      aria-label={label}
      value={typed}
      maxLength={64}
      onChange={event => setTyped(event.currentTarget.value)}
      onBlur={take}
      onKeyDown={event => event.key === 'Enter' && take()}
    />
  );
};
