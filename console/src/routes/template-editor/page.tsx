import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Checkbox, Group, Stack, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import type { ParameterFormat, TemplateCategory } from '../../graphql/graphql';
import { Bubble } from '../../shared/bubble';
import { Choice } from '../../shared/choice';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { MenuButton } from '../../shared/menu';
import { useStore } from '../../shared/store';
import { tab } from '../../shared/stored';
import { templateCategories, useTemplateWords } from '../../shared/template-words';
import { tongueChoices } from '../../shared/tongue';
import { Empty, Lines, Page, Panel, Trouble } from '../../shared/ui';
import { useMay } from '../../shared/viewer';
import { Buttons } from './buttons';
import { Cards } from './cards';
import { TemplateEditDocument, TemplateLookDocument } from './documents';
import { type Base, cardOf, type Draft, draftOf, emptyDraft, headerOf, inputOf, placeOf } from './draft';
import styles from './editor.module.css';
import { HeaderFields } from './header';
import { at, Failed, Part, type Problems, refused, Words } from './parts';
import { useSave } from './save';

const pause = 350; // milliseconds without a key until what is typed is looked at

type Kept = { draft: Draft; base?: Base };

const recall = (key: string): Kept | undefined => {
  try {
    const kept = JSON.parse(tab.get(key) ?? 'null') as Kept | null;
    return kept?.draft ? { ...kept, draft: { ...emptyDraft, ...kept.draft } } : undefined;
  } catch {
    return undefined;
  }
};

// TemplateEditor writes a new template, or changes one.
const TemplateEditor = () => {
  const { t } = useLingui();
  const { id } = useParams({ strict: false }) as { id?: string };
  const may = useMay('CAMPAIGNER');
  const [{ data, error }, again] = useQuery({
    query: TemplateEditDocument,
    variables: { id: id ?? '', has: !!id },
    requestPolicy: 'network-only',
  });
  const title = id ? t`Change the template` : t`New template`;
  const template = data?.node?.__typename === 'Template' ? data.node : undefined;
  if (!may)
    return (
      <Page title={title}>
        <Panel>
          <Empty>{t`Your role reads templates. A campaigner writes them.`}</Empty>
        </Panel>
      </Page>
    );
  if (error && !data) return <Trouble error={error} again={() => again()} />;
  if (!data || (id && !template))
    return (
      <Page title={title}>
        <Lines count={8} />
      </Page>
    );
  const accounts = data.accounts.edges.map(edge => edge.node).filter(account => account.status !== 'DISCONNECTED');
  const kept = recall(`template.${id ?? 'new'}`);
  const now: Base | undefined = template && {
    id: template.id,
    status: template.status,
    updatedAt: template.updatedAt,
    ttl: String(template.messageTtlSeconds ?? ''),
  };
  const begin: Kept = template
    ? { draft: draftOf(template), base: now }
    : { draft: { ...emptyDraft, accountId: accounts[0]?.id ?? '' } };
  return <Editor key={id ?? 'new'} title={title} accounts={accounts} begin={begin} kept={kept} />;
};

const Editor = ({
  title,
  accounts,
  begin,
  kept,
}: {
  title: string;
  accounts: { id: string; name: string }[];
  begin: Kept;
  kept: Kept | undefined;
}) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const words = useTemplateWords();
  const navigate = useNavigate();
  const [{ draft, base }, setState] = useState<Kept>(kept ?? begin);
  const [pictures, setPictures] = useState<Record<string, string>>({});
  const [touched, setTouched] = useState(!!kept);
  const key = `template.${begin.base?.id ?? 'new'}`;

  const set = (change: Partial<Draft>) => {
    const next = { draft: { ...draft, ...change }, ...(base ? { base } : {}) };
    setState(next);
    setTouched(true);
    tab.set(key, JSON.stringify(next));
  };
  const drop = () => {
    tab.set(key, null);
    setTouched(false);
    setState(begin);
  };
  const saving = useSave(base, id => {
    tab.set(key, null);
    void navigate({ to: '/templates/$id', params: { id } });
  });
  const overtaken = saving.stale || (!!base && !!begin.base && base.updatedAt !== begin.base.updatedAt);

  const [looked] = useDebouncedValue(draft, pause);
  const input = useMemo(() => inputOf(looked), [looked]);
  const [{ data: look, error: lookError }] = useQuery({ query: TemplateLookDocument, variables: { input } });
  const [seen, setSeen] = useState(look);
  useEffect(() => {
    if (look) setSeen(look);
  }, [look]);

  // A new page is not scolded for what nobody has written yet.
  const lint: Problems = touched
    ? (seen?.lintTemplate.map(p => ({ place: placeOf(p.field, looked), message: p.message, severity: p.severity })) ??
      [])
    : [];
  const problems = [...saving.problems, ...lint.filter(p => !saving.problems.some(s => s.message === p.message))];
  const code = draft.category === 'AUTHENTICATION';
  const files = (place: string, file: File) => setPictures({ ...pictures, [place]: URL.createObjectURL(file) });

  const parts: [string, boolean, Partial<Draft>][] = [
    [t`Header`, !code && !draft.header && !draft.cards.length, { header: headerOf('TEXT') }],
    [t`Footer`, !code && draft.footer === null, { footer: '' }],
    [t`Offer that ends`, draft.category === 'MARKETING' && !draft.offer, { offer: { text: '', hasExpiration: true } }],
    [t`Cards side by side`, draft.category === 'MARKETING' && !draft.cards.length, { cards: [cardOf(), cardOf()] }],
    [t`Question whether you may call`, !code && !draft.asksToCall, { asksToCall: true }],
  ];
  const left = parts.filter(([, fits]) => fits);
  const everywhere = ['', 'components', 'template', 'accountId', 'parameter_format', 'parameterFormat', 'input'];

  return (
    <Page
      title={title}
      actions={
        <>
          {touched && (
            <Button size="xs" variant="subtle" color="gray" onClick={drop}>
              <Trans>Discard changes</Trans>
            </Button>
          )}
          {(!base || base.status === 'DRAFT') && (
            <Button size="xs" variant="default" loading={saving.busy} onClick={() => saving.save(draft, false)}>
              <Trans>Save the draft</Trans>
            </Button>
          )}
          <Button size="xs" loading={saving.busy} onClick={() => saving.save(draft, true)}>
            <Trans>Submit for review</Trans>
          </Button>
        </>
      }
    >
      {overtaken && (
        <Alert color="yellow" variant="light" role="alert" icon={<Icon name="alert" />}>
          <Group justify="space-between" gap="xs">
            <Trans>
              Somebody has changed this template since you began. What you wrote is still here, and not stored.
            </Trans>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                tab.set(key, null);
                location.reload();
              }}
            >
              <Trans>Discard mine and show theirs</Trans>
            </Button>
          </Group>
        </Alert>
      )}
      <Failed>
        {problems
          .filter(p => everywhere.includes(p.place) && p.severity === 'ERROR')
          .map(p => p.message)
          .join(' ') || undefined}
      </Failed>
      <div className={styles.columns}>
        <Stack gap="md">
          <Part
            title={t`What it is`}
            place="about"
            fields={[]}
            problems={problems.filter(p => everywhere.includes(p.place) && p.severity === 'WARNING')}
          >
            <div className={styles.facts}>
              {!base && accounts.length > 1 && (
                <Choice
                  label={t`Account`}
                  data={accounts.map(account => ({ value: account.id, label: account.name }))}
                  value={draft.accountId}
                  onChange={accountId => accountId && set({ accountId })}
                />
              )}
              <TextInput
                label={t`Name`}
                description={t`Small letters, digits and _`}
                value={draft.name}
                disabled={!!base}
                error={refused(problems, 'name')}
                onChange={event => set({ name: event.currentTarget.value.toLowerCase().replace(/[\s-]+/g, '_') })}
              />
              <Choice
                label={t`Language`}
                description={draft.language}
                data={tongueChoices(spoken)}
                value={draft.language}
                disabled={!!base}
                error={refused(problems, 'language')}
                onChange={value => value && set({ language: value })}
              />
              <Choice
                label={t`Category`}
                description={words.category(draft.category).means}
                data={templateCategories.map(value => ({ value, label: words.category(value).text }))}
                value={draft.category}
                disabled={!!base && base.status !== 'DRAFT'}
                error={refused(problems, 'category')}
                onChange={value => value && set({ category: value as TemplateCategory, buttons: [] })}
              />
              {!code && (
                <Choice
                  label={t`Variables`}
                  description={draft.parameterFormat === 'NAMED' ? '{{first_name}}' : '{{1}}, {{2}}'}
                  data={[
                    { value: 'NAMED', label: t`By name` },
                    { value: 'POSITIONAL', label: t`By number` },
                  ]}
                  value={draft.parameterFormat}
                  disabled={!!base}
                  onChange={value => value && set({ parameterFormat: value as ParameterFormat })}
                />
              )}
              <TextInput
                label={t`Worth delivering for`}
                description={t`Seconds; empty is what WhatsApp takes`}
                inputMode="numeric"
                value={draft.ttl}
                error={refused(problems, 'message_send_ttl_seconds') ?? refused(problems, 'messageTtlSeconds')}
                onChange={event => set({ ttl: event.currentTarget.value.replace(/[^-\d]/g, '') })}
              />
            </div>
          </Part>
          {draft.header && !code && (
            <Part
              title={t`Header`}
              place="header"
              fields={['text', 'format', 'example']}
              problems={problems}
              onRemove={() => set({ header: null })}
            >
              <HeaderFields
                place="header"
                value={draft.header}
                formats={['TEXT', 'IMAGE', 'VIDEO', 'DOCUMENT', 'LOCATION', 'GIF', 'PRODUCT']}
                accountId={draft.accountId}
                problems={problems}
                onChange={header => set({ header })}
                onFile={files}
              />
            </Part>
          )}
          <Part title={t`Text`} place="body" fields={['text', 'example']} problems={problems}>
            {code ? (
              <>
                <Checkbox
                  label={t`Add that the code must not be shared`}
                  checked={draft.security}
                  onChange={event => set({ security: event.currentTarget.checked })}
                />
                <TextInput
                  label={t`Minutes after which the code ends`}
                  inputMode="numeric"
                  value={draft.codeMinutes}
                  error={refused(problems, 'footer.code_expiration_minutes')}
                  onChange={event => set({ codeMinutes: event.currentTarget.value.replace(/\D/g, '') })}
                />
              </>
            ) : (
              <Words
                label={t`Text of the message`}
                place="body"
                long
                most={1024}
                value={draft.body}
                problems={problems}
                onChange={body => set({ body })}
              />
            )}
          </Part>
          {draft.footer !== null && !code && (
            <Part
              title={t`Footer`}
              place="footer"
              fields={['text']}
              problems={problems}
              onRemove={() => set({ footer: null })}
            >
              <TextInput
                label={t`Small line below the text`}
                value={draft.footer}
                error={refused(problems, 'footer.text')}
                onChange={event => set({ footer: event.currentTarget.value })}
              />
            </Part>
          )}
          {draft.offer && !code && (
            <Part
              title={t`Offer that ends`}
              place="offer"
              fields={['limited_time_offer', 'text']}
              problems={problems}
              onRemove={() => set({ offer: null })}
            >
              <TextInput
                label={t`What is offered`}
                value={draft.offer.text}
                error={refused(problems, 'offer.limited_time_offer') ?? refused(problems, 'offer.text')}
                onChange={event => draft.offer && set({ offer: { ...draft.offer, text: event.currentTarget.value } })}
              />
              <Checkbox
                label={t`Show when it ends`}
                checked={draft.offer.hasExpiration}
                onChange={event =>
                  draft.offer && set({ offer: { ...draft.offer, hasExpiration: event.currentTarget.checked } })
                }
              />
            </Part>
          )}
          <Part title={t`Buttons`} place="buttons" fields={[]} problems={problems}>
            <Buttons
              place="buttons"
              buttons={draft.buttons}
              category={draft.category}
              problems={problems}
              onChange={buttons => set({ buttons })}
            />
          </Part>
          {draft.asksToCall && !code && (
            <Part
              title={t`Question whether you may call`}
              place="call"
              fields={[]}
              problems={problems}
              onRemove={() => set({ asksToCall: false })}
            >
              <Trans>WhatsApp asks the person below the message.</Trans>
            </Part>
          )}
          {draft.cards.length > 0 && !code && (
            <Part
              title={t`Cards side by side`}
              place="cards"
              fields={[]}
              problems={[...at(problems, 'cards.cards'), ...problems.filter(p => p.place.startsWith('cards'))]}
              onRemove={() => set({ cards: [] })}
            >
              <Cards
                cards={draft.cards}
                category={draft.category}
                accountId={draft.accountId}
                problems={problems}
                onChange={cards => set({ cards })}
                onFile={files}
              />
            </Part>
          )}
          {left.length > 0 && (
            <MenuButton
              position="bottom-start"
              variant="default"
              w="fit-content"
              leftSection={<Icon name="plus" size={16} />}
              entries={left.map(([label, , change]) => ({ label, act: () => set(change) }))}
            >
              <Trans>Add a part</Trans>
            </MenuButton>
          )}
        </Stack>
        <div className={styles.seen}>
          {seen ? (
            <Bubble preview={seen.previewTemplate} pictures={pictures} />
          ) : lookError ? (
            <Failed>{lookError.message}</Failed>
          ) : (
            <Lines count={5} />
          )}
        </div>
      </div>
    </Page>
  );
};

export default TemplateEditor;
