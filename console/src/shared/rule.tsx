import { useLingui } from '@lingui/react/macro';
import { ActionIcon, Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import { useId } from 'react';
import { useQuery } from 'urql';
import { Choice } from './choice';
import { type Condition, conditionOf, filterOf, once, operators, toggled, valuesOf } from './conditions';
import { countryOf, outcomes, useContactWords } from './contact-words';
import { language } from './i18n';
import { Icon } from './icons';
import { MenuButton } from './menu';
import styles from './rule.module.css';
import { Count, WhereDocument } from './rule-words';
import { useStore } from './store';

type Props = { conditions: Condition[]; onChange: (conditions: Condition[]) => void; error?: string | undefined };

// Rule builds a rule out of conditions, all of which must hold. Their number follows the typing.
export const Rule = ({ conditions, onChange, error }: Props) => {
  const { t } = useLingui();
  const said = useContactWords();
  const free = (Object.keys(operators) as Condition['field'][]).filter(
    field => !once.includes(field) || !conditions.some(condition => condition.field === field),
  );
  return (
    <Stack gap="sm">
      {conditions.map((condition, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
        <div key={i} className={styles.condition}>
          <One condition={condition} onChange={next => onChange(conditions.with(i, next))} />
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t`Take away: ${said.field(condition.field)}`}
            onClick={() => onChange(conditions.toSpliced(i, 1))}
          >
            <Icon name="trash" size={16} />
          </ActionIcon>
        </div>
      ))}
      {error && (
        <Text size="xs" className={styles.wrong} role="alert">
          {error}
        </Text>
      )}
      <Group justify="space-between">
        <MenuButton
          position="bottom-start"
          size="xs"
          variant="default"
          leftSection={<Icon name="plus" size={16} />}
          entries={free.map(field => ({
            label: said.field(field),
            act: () => onChange([...conditions, conditionOf(field)]),
          }))}
        >
          {t`Add a condition`}
        </MenuButton>
        <Count filter={filterOf(conditions)} />
      </Group>
    </Stack>
  );
};

const One = ({ condition, onChange }: { condition: Condition; onChange: (condition: Condition) => void }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const said = useContactWords();
  const id = useId();
  const [{ data }] = useQuery({ query: WhereDocument });
  const { field, op, key, text } = condition;
  const set = (change: Partial<Condition>) => onChange({ ...condition, ...change });
  const boxes = (choices: { value: string; label: string }[]) => (
    <Group gap="sm">
      {choices.map(({ value, label }) => (
        <Checkbox
          key={value}
          label={label}
          checked={valuesOf(text).includes(value)}
          onChange={event => set({ text: toggled(text, value, event.currentTarget.checked) })}
        />
      ))}
      {choices.length === 0 && <Text size="sm">{t`There is none yet.`}</Text>}
    </Group>
  );
  const ops = operators[field];
  const hint =
    field === 'country'
      ? valuesOf(text)
          .map(code => countryOf(code, spoken))
          .join(', ')
      : undefined;
  return (
    <fieldset className={styles.fields}>
      <legend className={styles.legend}>{said.field(field)}</legend>
      {field === 'attribute' && (
        <>
          <TextInput
            aria-label={t`Which attribute`}
            placeholder={t`Which attribute`}
            list={id}
            value={key}
            onChange={event => set({ key: event.currentTarget.value })}
          />
          <datalist id={id}>
            {data?.attributeKeys.map(one => (
              <option key={one.key} value={one.key} />
            ))}
          </datalist>
        </>
      )}
      {field === 'outcome' && (
        <Choice
          aria-label={t`Which campaign`}
          any={t`Which campaign`}
          value={key || null}
          data={data?.campaigns.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? []}
          onChange={value => set({ key: value ?? '' })}
        />
      )}
      {ops.length > 1 && (
        <Choice
          aria-label={t`How`}
          value={op}
          data={ops.map(value => ({ value, label: said.op(value) }))}
          onChange={value => value && set({ op: value as Condition['op'] })}
        />
      )}
      {field === 'consent' &&
        boxes(
          (['OPTED_IN', 'OPTED_OUT', 'UNKNOWN'] as const).map(value => ({ value, label: said.consent(value).text })),
        )}
      {field === 'lists' &&
        boxes(data?.contactLists.edges.map(({ node }) => ({ value: node.id, label: node.name })) ?? [])}
      {field === 'outcome' && (
        <>
          {boxes(outcomes.map(value => ({ value, label: said.outcome(value) })))}
          <TextInput
            label={t`Only with these error codes`}
            value={condition.errors ?? ''}
            onChange={event => set({ errors: event.currentTarget.value })}
          />
          <TextInput
            label={t`Only who pressed one of these buttons`}
            value={condition.buttons ?? ''}
            onChange={event => set({ buttons: event.currentTarget.value })}
          />
        </>
      )}
      {field === 'created' && (
        <TextInput
          type="date"
          aria-label={t`Day`}
          value={text}
          onChange={event => set({ text: event.currentTarget.value })}
        />
      )}
      {['search', 'country', 'language', 'tags', 'attribute'].includes(field) &&
        op !== 'exists' &&
        op !== 'missing' && (
          <TextInput
            aria-label={t`Values`}
            placeholder={
              field === 'country'
                ? 'CN, HK'
                : field === 'language'
                  ? 'zh_CN, en'
                  : op === 'in'
                    ? t`Several, with commas`
                    : ''
            }
            description={hint}
            value={text}
            onChange={event => set({ text: event.currentTarget.value })}
          />
        )}
    </fieldset>
  );
};

export default Rule;
