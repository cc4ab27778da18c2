import { useLingui } from '@lingui/react/macro';
import { Checkbox, Group, Stack, Text, TextInput } from '@mantine/core';
import type { CampaignChoicesQuery } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { language } from '../../shared/i18n';
import { Rule } from '../../shared/rule';
import { useStore } from '../../shared/store';
import { useTemplateWords } from '../../shared/template-words';
import { tongue } from '../../shared/tongue';
import { Panel, Refused } from '../../shared/ui';
import { zones } from '../../shared/zone';
import type { Binding, Draft } from './draft';
import styles from './editor.module.css';

export type Choices = CampaignChoicesQuery;
export type Template = Choices['templates']['edges'][number]['node'];

type Props = {
  draft: Draft;
  choices: Choices;
  wrong: Record<string, string>;
  set: (change: Partial<Draft>) => void;
};

// What is what is sent, and from which number.
export const What = ({ draft, choices, wrong, set, fixed }: Props & { fixed: Template | undefined }) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const templates = choices.templates.edges.map(edge => edge.node);
  const template = templates.find(one => one.id === draft.templateId) ?? fixed;
  const accounts = choices.accounts.edges.map(edge => edge.node).filter(account => account.status !== 'DISCONNECTED');
  const numbersOf = (accountId: string | undefined) => accounts.find(a => a.id === accountId)?.phoneNumbers ?? [];
  const others = template?.translations.filter(one => one.status === 'APPROVED') ?? [];
  return (
    <Panel title={t`What is sent`}>
      <div className={styles.fields}>
        <TextInput
          label={t`Name of the campaign`}
          value={draft.name}
          error={wrong.name}
          maxLength={200}
          onChange={event => set({ name: event.currentTarget.value })}
        />
        <Choice
          label={t`Template`}
          any={t`Choose one`}
          data={templates.map(one => ({
            value: one.id,
            label: `${one.name} (${tongue(one.language, spoken)}, ${words.category(one.category).text})`,
          }))}
          value={draft.templateId || null}
          error={wrong.templateId}
          onChange={value => {
            const chosen = templates.find(one => one.id === value);
            set({
              templateId: value ?? '',
              phoneNumberId: numbersOf(chosen?.account.id)[0]?.id ?? '',
              bindings: {},
              translate: false,
            });
          }}
        />
        <Choice
          label={t`From the number`}
          any={t`Choose one`}
          data={numbersOf(template?.account.id).map(one => ({
            value: one.id,
            label: `${one.displayNumber} (${one.verifiedName})`,
          }))}
          value={draft.phoneNumberId || null}
          error={wrong.phoneNumberId}
          onChange={value => set({ phoneNumberId: value ?? '' })}
        />
      </div>
      {others.length > 0 && (
        <Checkbox
          mt="sm"
          label={t`Each person gets it in their language`}
          description={t`Also there in: ${others.map(one => tongue(one.language, spoken)).join(', ')}`}
          checked={draft.translate}
          onChange={event => set({ translate: event.currentTarget.checked })}
        />
      )}
    </Panel>
  );
};

// Boxes are several of a list.
const Boxes = ({
  label,
  all,
  chosen,
  error,
  onChange,
}: {
  label: string;
  all: { id: string; name: string }[];
  chosen: string[];
  error?: string | undefined;
  onChange: (chosen: string[]) => void;
}) => (
  <fieldset className={styles.boxes}>
    <legend className={styles.label}>{label}</legend>
    <Group gap="sm">
      {all.map(({ id, name }) => (
        <Checkbox
          key={id}
          label={name}
          checked={chosen.includes(id)}
          onChange={event =>
            onChange(event.currentTarget.checked ? [...chosen, id] : chosen.filter(other => other !== id))
          }
        />
      ))}
    </Group>
    <Refused>{error}</Refused>
  </fieldset>
);

// Whom is who gets it, and who does not.
export const Whom = ({ draft, choices, wrong, set, added }: Props & { added: number }) => {
  const { t } = useLingui();
  const lists = choices.contactLists.edges.map(edge => edge.node);
  const segments = choices.segments.edges.map(edge => edge.node);
  return (
    <Panel title={t`To whom`}>
      <Stack gap="md">
        <Refused>{wrong.audience}</Refused>
        {lists.length > 0 && (
          <Boxes
            label={t`Everyone on these lists`}
            all={lists}
            chosen={draft.lists}
            onChange={l => set({ lists: l })}
          />
        )}
        {segments.length > 0 && (
          <Boxes
            label={t`Everyone in these segments`}
            all={segments}
            chosen={draft.segments}
            onChange={s => set({ segments: s })}
          />
        )}
        <div>
          <Text size="sm" fw={500} mb={4}>
            {t`And everyone whom this rule finds`}
          </Text>
          <Rule conditions={draft.conditions} onChange={conditions => set({ conditions })} />
        </div>
        {added > 0 && <Text size="sm">{t`And ${added} people who were added one by one.`}</Text>}
        {lists.length > 0 && (
          <Boxes
            label={t`But nobody on these lists`}
            all={lists}
            chosen={draft.excludeLists}
            onChange={l => set({ excludeLists: l })}
          />
        )}
        {segments.length > 0 && (
          <Boxes
            label={t`And nobody in these segments`}
            all={segments}
            chosen={draft.excludeSegments}
            onChange={s => set({ excludeSegments: s })}
          />
        )}
        <Text size="xs" c="dimmed">
          {t`Who is there twice gets it once. Who has opted out, is suppressed or may not be written to gets nothing; the estimate says how many.`}
        </Text>
      </Stack>
    </Panel>
  );
};

// Values says where each value of the template comes from.
export const Values = ({ draft, choices, wrong, set, template }: Props & { template: Template | undefined }) => {
  const { t } = useLingui();
  const parameters = template?.parameters ?? [];
  if (parameters.length === 0) return null;
  const fields = [
    { value: 'name', label: t`Name` },
    { value: 'phone', label: t`Number` },
    { value: 'language', label: t`Language` },
    { value: 'country', label: t`Country` },
  ];
  const keys = choices.attributeKeys.map(({ key }) => ({ value: key, label: key }));
  const bind = (name: string, binding: Binding) => set({ bindings: { ...draft.bindings, [name]: binding } });
  return (
    <Panel title={t`Values`}>
      <Stack gap="md">
        <Refused>{wrong.parameters}</Refused>
        {parameters.map(({ name, example }) => {
          const binding: Binding = draft.bindings[name] ?? { from: 'value', value: '', fallback: '' };
          const error = wrong[`parameters.${name}`];
          const own = binding.from === 'attribute' && binding.value && !keys.some(k => k.value === binding.value);
          return (
            <fieldset key={name} className={styles.binding}>
              <legend className={styles.legend}>{name}</legend>
              <Choice
                label={t`Comes from`}
                data={[
                  { value: 'value', label: t`The same for all` },
                  { value: 'field', label: t`Field of the person` },
                  { value: 'attribute', label: t`Attribute of the person` },
                ]}
                value={binding.from}
                onChange={from => bind(name, { from: from as Binding['from'], value: '', fallback: binding.fallback })}
              />
              {binding.from === 'value' ? (
                <TextInput
                  label={t`Value`}
                  placeholder={example ? t`Such as ${example}` : ''}
                  value={binding.value}
                  error={error}
                  onChange={event => bind(name, { ...binding, value: event.currentTarget.value })}
                />
              ) : (
                <>
                  <Choice
                    label={binding.from === 'field' ? t`Which field` : t`Which attribute`}
                    any={t`Choose one`}
                    data={
                      binding.from === 'field'
                        ? fields
                        : [...keys, ...(own ? [{ value: binding.value, label: binding.value }] : [])]
                    }
                    value={binding.value || null}
                    error={error}
                    onChange={value => bind(name, { ...binding, value: value ?? '' })}
                  />
                  <TextInput
                    label={t`Where that is missing`}
                    value={binding.fallback}
                    onChange={event => bind(name, { ...binding, fallback: event.currentTarget.value })}
                  />
                </>
              )}
            </fieldset>
          );
        })}
        <Choice
          label={t`Who lacks a value`}
          data={[
            { value: 'SKIP', label: t`Gets nothing` },
            { value: 'FAIL', label: t`Keeps the campaign from being launched` },
          ]}
          value={draft.missing}
          error={wrong.missingParameter}
          onChange={value => set({ missing: value as Draft['missing'] })}
        />
      </Stack>
    </Panel>
  );
};

// When is when it begins and ends, and how carefully it goes.
export const When = ({ draft, wrong, set }: Omit<Props, 'choices'>) => {
  const { t } = useLingui();
  const text = (field: keyof Draft & string, place: string, label: string, description?: string, type = 'text') => (
    <TextInput
      type={type}
      {...(type === 'text' ? { inputMode: 'decimal' as const } : {})}
      label={label}
      description={description}
      value={String(draft[field])}
      error={wrong[place]}
      onChange={event => set({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <Panel title={t`When and how fast`}>
      <Stack gap="md">
        <div className={styles.fields}>
          {text('start', 'scheduledAt', t`Begins`, t`Empty: as soon as it is launched`, 'datetime-local')}
          {text('expiry', 'expiresAt', t`Not after`, t`Who has got nothing by then gets nothing`, 'datetime-local')}
          <Choice
            label={t`Times are those of`}
            description={t`Time zone`}
            data={zones(draft.zone).map(zone => ({ value: zone, label: zone }))}
            value={draft.zone}
            error={wrong.timeZone}
            onChange={zone => zone && set({ zone })}
          />
        </div>
        {draft.start && (
          <Checkbox
            label={t`At this time on each person's own clock`}
            checked={draft.recipientTime}
            error={wrong.recipientTime}
            onChange={event => set({ recipientTime: event.currentTarget.checked })}
          />
        )}
        <div className={styles.fields}>
          {text('rate', 'rateLimit', t`Messages a second at most`, t`Empty: as fast as the number may`)}
          {text('failures', 'failureThreshold', t`Pause when this share fails, in %`, t`Empty: the organization's own`)}
        </div>
        <Checkbox
          label={t`A few first, and the rest only if that went well`}
          checked={draft.canary}
          error={wrong.canary}
          onChange={event => set({ canary: event.currentTarget.checked })}
        />
        {draft.canary && (
          <div className={styles.fields}>
            {text('canarySize', 'canary.size', t`How many first`)}
            {text('canaryMinutes', 'canary.waitSeconds', t`Then wait for how many minutes`)}
            {text('canaryFailures', 'canary.maxFailureRate', t`Failures allowed, in %`)}
          </div>
        )}
      </Stack>
    </Panel>
  );
};
