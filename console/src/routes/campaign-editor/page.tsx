import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group } from '@mantine/core';
import { useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { refusals, words } from '../../shared/errors';
import { GoButton } from '../../shared/go';
import { read } from '../../shared/graphql';
import { Icon } from '../../shared/icons';
import { tab } from '../../shared/stored';
import { Empty, Lines, Page, Panel, Refused, Trouble } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import {
  CampaignDocument,
  CampaignFragment,
  ChoicesDocument,
  CreateDocument,
  EstimateDocument,
  UpdateDocument,
} from './documents';
import { changesOf, type Draft, draftOf, emptyDraft, placeOf, wholeOf } from './draft';
import { type Estimate, EstimateView } from './estimate';
import { type Choices, Values, What, When, Whom } from './fields';
import { Trial } from './trial';

const Launch = lazy(() => import('../campaign/launch'));

type Base = { id: string; revision: string; added: number };
type Kept = { draft: Draft; before: Draft; base?: Base };

const recall = (key: string): Kept | undefined => {
  try {
    return (JSON.parse(tab.get(key) ?? 'null') as Kept | null) ?? undefined;
  } catch {
    return undefined;
  }
};

// CampaignEditor makes a campaign, or changes one that has not been launched.
const CampaignEditor = () => {
  const { t } = useLingui();
  const me = useMe();
  const may = useMay('CAMPAIGNER');
  const { id } = useParams({ strict: false }) as { id?: string };
  const [{ data: choices, error }, again] = useQuery({ query: ChoicesDocument, requestPolicy: 'cache-and-network' });
  const [{ data, error: missing }] = useQuery({
    query: CampaignDocument,
    variables: { id: id ?? '' },
    pause: !id,
    requestPolicy: 'network-only',
  });
  const title = id ? t`Change the campaign` : t`New campaign`;
  const stored = data?.node?.__typename === 'Campaign' ? read(CampaignFragment, data.node) : undefined;
  const trouble = (!choices && error) || (id && !stored && missing);
  if (!may)
    return (
      <Page title={title}>
        <Panel>
          <Empty>{t`Your role watches campaigns. A campaigner makes them.`}</Empty>
        </Panel>
      </Page>
    );
  if (trouble) return <Trouble error={trouble} again={() => again()} />;
  if (!choices || (id && !stored))
    return (
      <Page title={title}>
        <Lines count={8} />
      </Page>
    );
  if (stored && stored.status !== 'DRAFT')
    return (
      <Page title={title}>
        <Panel>
          <Empty
            action={
              <GoButton to="/campaigns/$id" params={{ id: stored.id }} size="xs" variant="default">
                <Trans>See it</Trans>
              </GoButton>
            }
          >
            {t`It has been launched. What people get cannot be changed here any more.`}
          </Empty>
        </Panel>
      </Page>
    );
  const draft = stored ? draftOf(stored, me.zone) : emptyDraft(me.zone);
  const begin: Kept = {
    draft,
    before: draft,
    ...(stored
      ? {
          base: {
            id: stored.id,
            revision: stored.revision,
            added: stored.audience.contacts + stored.audience.recipients,
          },
        }
      : {}),
  };
  return <Editor key={id ?? 'new'} title={title} begin={begin} choices={choices} />;
};

const Editor = ({ title, begin, choices }: { title: string; begin: Kept; choices: Choices }) => {
  const { t } = useLingui();
  const client = useClient();
  const navigate = useNavigate();
  const key = `campaign.${begin.base?.id ?? 'new'}`;
  const kept = useRef(recall(key)).current;
  const [{ draft, before, base }, setState] = useState<Kept>(kept ?? begin);
  const [estimate, setEstimate] = useState<Estimate>();
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [stale, setStale] = useState(false);
  const [busy, setBusy] = useState(false);
  const [launching, setLaunching] = useState(false);
  const idempotencyKey = useRef({ of: '', key: '' });
  const changed = !base || Object.keys(changesOf(before, draft)).length > 0;

  const set = (change: Partial<Draft>) => {
    const next = { draft: { ...draft, ...change }, before, ...(base ? { base } : {}) };
    setState(next);
    setEstimate(undefined);
    tab.set(key, JSON.stringify(next));
  };
  const offline = t`The service does not answer. Nothing is lost: try again in a moment.`;

  // refuse puts each refusal at its field; a field of the page is known by its place.
  // Of an estimate's problems, those with no field stand with the estimate.
  const refuse = (errors: readonly { field: string[]; code: string; message: string }[], quiet = false) => {
    setStale(errors.some(e => e.code === 'STALE' && e.field[0] === 'revision'));
    const known = [...Object.keys(wholeOf(draft)), 'canary.size', 'canary.waitSeconds', 'canary.maxFailureRate'];
    const found: Record<string, string> = {};
    for (const e of errors.filter(one => one.field[0] !== 'revision')) {
      const place = placeOf(e.field, draft);
      if (place.startsWith('parameters')) found[place] = [found[place], e.message].filter(Boolean).join(' ');
      else
        Object.assign(found, refusals([e], ['canary.size', 'canary.waitSeconds', 'canary.maxFailureRate', ...known]));
    }
    if (quiet) delete found[''];
    setWrong(found);
  };

  const store = async (): Promise<string | undefined> => {
    if (base) {
      const input = { campaignId: base.id, revision: base.revision, ...changesOf(before, draft) };
      const { data, error } = await client.mutation(UpdateDocument, { input }).toPromise();
      if (!data) return void setWrong({ '': error ? words(error, offline) : offline });
      if (!data.updateCampaign.campaign) return void refuse(data.updateCampaign.userErrors);
      const c = read(CampaignFragment, data.updateCampaign.campaign);
      setState({ draft, before: draft, base: { ...base, revision: c.revision } });
      tab.set(key, null);
      return c.id;
    }
    const input = wholeOf(draft);
    const of = JSON.stringify(input);
    if (idempotencyKey.current.of !== of) idempotencyKey.current = { of, key: crypto.randomUUID() };
    const { data, error } = await client
      .mutation(CreateDocument, { input: { ...input, idempotencyKey: idempotencyKey.current.key } })
      .toPromise();
    if (!data) return void setWrong({ '': error ? words(error, offline) : offline });
    if (!data.createCampaign.campaign) return void refuse(data.createCampaign.userErrors);
    tab.set(key, null);
    return read(CampaignFragment, data.createCampaign.campaign).id;
  };

  const look = async (id: string) => {
    const { data, error } = await client.mutation(EstimateDocument, { input: { campaignId: id } }).toPromise();
    if (data?.estimateCampaign.estimate) {
      setEstimate(data.estimateCampaign.estimate);
      refuse(data.estimateCampaign.estimate.problems, true);
    } else setWrong({ '': error ? words(error, offline) : (data?.estimateCampaign.userErrors[0]?.message ?? offline) });
  };

  const save = async () => {
    setBusy(true);
    setWrong({});
    setStale(false);
    const id = changed ? await store() : base?.id;
    if (id && !base) {
      tab.set('campaign.look', id);
      await navigate({ to: '/campaigns/$id/edit', params: { id }, replace: true });
    } else if (id) await look(id);
    setBusy(false);
  };

  // Who has just stored a new campaign sees at once what it would do.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once
  useEffect(() => {
    if (!base || tab.get('campaign.look') !== base.id) return;
    tab.set('campaign.look', null);
    void look(base.id);
  }, []);

  const template = choices.templates.edges.map(edge => edge.node).find(one => one.id === draft.templateId);
  const ready = !!base && !changed && !!estimate && estimate.problems.length === 0 && estimate.recipients > 0;
  const elsewhere = ['', 'reference', 'campaignId'].map(place => wrong[place]).filter(Boolean);
  return (
    <Page
      title={title}
      actions={
        <>
          <Button size="xs" variant={ready ? 'default' : 'filled'} loading={busy} onClick={save}>
            {changed ? t`Save and estimate` : t`Estimate`}
          </Button>
          {base && !changed && (
            <Button size="xs" disabled={!ready} onClick={() => setLaunching(true)}>
              {draft.start ? t`Schedule…` : t`Launch…`}
            </Button>
          )}
        </>
      }
    >
      {stale && (
        <Alert color="yellow" variant="light" role="alert" icon={<Icon name="alert" />}>
          <Group justify="space-between" gap="xs">
            <Trans>
              Somebody has changed this campaign since you began. What you wrote is still here, and not stored.
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
      <Refused>{elsewhere.join(' ') || undefined}</Refused>
      <What draft={draft} choices={choices} wrong={wrong} set={set} fixed={template} />
      <Whom draft={draft} choices={choices} wrong={wrong} set={set} added={base?.added ?? 0} />
      <Values draft={draft} choices={choices} wrong={wrong} set={set} template={template} />
      <When draft={draft} wrong={wrong} set={set} />
      {busy && !estimate && <Lines count={4} />}
      {estimate && <EstimateView estimate={estimate} />}
      {base && !changed && <Trial id={base.id} />}
      {launching && base && (
        <Suspense>
          <Launch
            id={base.id}
            onClose={() => setLaunching(false)}
            onLaunched={() => navigate({ to: '/campaigns/$id', params: { id: base.id } })}
          />
        </Suspense>
      )}
    </Page>
  );
};

export default CampaignEditor;
