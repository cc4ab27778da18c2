import type {
  CampaignAudienceInput,
  CreateCampaignInput,
  MissingParameterPolicy,
  ParameterBindingInput,
  UpdateCampaignInput,
} from '../../graphql/graphql';
import { type Condition, conditionsOf, filterOf } from '../../shared/conditions';
import { instantOf, wallOf } from '../../shared/zone';

export type Binding = { from: 'value' | 'field' | 'attribute'; value: string; fallback: string };

// Draft is what somebody writes of a campaign.
export type Draft = {
  name: string;
  templateId: string;
  phoneNumberId: string;
  translate: boolean;
  lists: string[];
  segments: string[];
  conditions: Condition[];
  excludeLists: string[];
  excludeSegments: string[];
  bindings: Record<string, Binding>;
  missing: MissingParameterPolicy;
  start: string; // on the wall of the zone; empty is at once
  zone: string;
  recipientTime: boolean;
  expiry: string;
  rate: string; // messages a second
  failures: string; // percent
  canary: boolean;
  canarySize: string;
  canaryMinutes: string;
  canaryFailures: string; // percent
};

export const emptyDraft = (zone: string): Draft => ({
  name: '',
  templateId: '',
  phoneNumberId: '',
  translate: false,
  lists: [],
  segments: [],
  conditions: [],
  excludeLists: [],
  excludeSegments: [],
  bindings: {},
  missing: 'SKIP',
  start: '',
  zone,
  recipientTime: false,
  expiry: '',
  rate: '',
  failures: '',
  canary: false,
  canarySize: '100',
  canaryMinutes: '10',
  canaryFailures: '10',
});

const whole = (text: string): number | null => (text.trim() === '' ? null : Math.trunc(Number(text)));
const share = (percent: string): number | null => (percent.trim() === '' ? null : Number(percent) / 100);

const audienceOf = (d: Draft): CampaignAudienceInput => {
  const filter = filterOf(d.conditions);
  return {
    listIds: d.lists,
    segmentIds: d.segments,
    ...(Object.keys(filter).length ? { filter } : {}),
    excludeListIds: d.excludeLists,
    excludeSegmentIds: d.excludeSegments,
  };
};

const bindingsOf = (d: Draft): ParameterBindingInput[] =>
  Object.entries(d.bindings).flatMap(([parameter, { from, value, fallback }]): ParameterBindingInput[] => {
    if (!value) return [];
    if (from === 'value') return [{ parameter, value }];
    return [
      {
        parameter,
        ...(from === 'field' ? { contactField: value } : { attribute: value }),
        ...(fallback ? { fallback } : {}),
      },
    ];
  });

type Whole = Omit<CreateCampaignInput, 'idempotencyKey' | 'clientMutationId' | 'reference'>;

// wholeOf is all that a draft says.
export const wholeOf = (d: Draft): Whole => ({
  name: d.name,
  templateId: d.templateId,
  phoneNumberId: d.phoneNumberId,
  translate: d.translate,
  audience: audienceOf(d),
  parameters: bindingsOf(d),
  missingParameter: d.missing,
  scheduledAt: d.start ? instantOf(d.start, d.zone) : null,
  timeZone: d.start ? d.zone : null,
  recipientTime: !!d.start && d.recipientTime,
  expiresAt: d.expiry ? instantOf(d.expiry, d.zone) : null,
  rateLimit: whole(d.rate),
  failureThreshold: share(d.failures),
  canary: d.canary
    ? {
        size: whole(d.canarySize) ?? 0,
        waitSeconds: 60 * (whole(d.canaryMinutes) ?? 0),
        maxFailureRate: share(d.canaryFailures) ?? 0,
      }
    : null,
});

// changesOf are the parts of a draft that are not as they were: what is left out stays, so that
// people who were added by a program are not lost.
export const changesOf = (before: Draft, after: Draft): Partial<UpdateCampaignInput> => {
  const was = wholeOf(before) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(wholeOf(after)).filter(([field, value]) => JSON.stringify(was[field]) !== JSON.stringify(value)),
  );
};

type Stored = {
  name: string;
  template: { id: string };
  phoneNumber: { id: string };
  translate: boolean;
  audience: {
    lists: readonly { id: string }[];
    segments: readonly { id: string }[];
    excludeLists: readonly { id: string }[];
    excludeSegments: readonly { id: string }[];
    rule: readonly { field: string; operator: string; values: readonly string[] }[];
  };
  parameters: readonly {
    parameter: string;
    value?: string | null;
    contactField?: string | null;
    attribute?: string | null;
    fallback?: string | null;
  }[];
  missingParameter: MissingParameterPolicy;
  scheduledAt?: string | null;
  timeZone?: string | null;
  recipientTime: boolean;
  expiresAt?: string | null;
  rateLimit?: number | null;
  failureThreshold?: number | null;
  canary?: { size: number; waitSeconds: number; maxFailureRate: number } | null;
};

const percent = (value: number) => String(Math.round(value * 1000) / 10);
const ids = (list: readonly { id: string }[]) => list.map(one => one.id);

// draftOf is a stored campaign as the page shows it.
export const draftOf = (c: Stored, own: string): Draft => {
  const zone = c.timeZone ?? own;
  return {
    ...emptyDraft(zone),
    name: c.name,
    templateId: c.template.id,
    phoneNumberId: c.phoneNumber.id,
    translate: c.translate,
    lists: ids(c.audience.lists),
    segments: ids(c.audience.segments),
    conditions: conditionsOf(c.audience.rule),
    excludeLists: ids(c.audience.excludeLists),
    excludeSegments: ids(c.audience.excludeSegments),
    bindings: Object.fromEntries(
      c.parameters.map(p => [
        p.parameter,
        {
          from: p.contactField ? 'field' : p.attribute ? 'attribute' : 'value',
          value: p.contactField ?? p.attribute ?? p.value ?? '',
          fallback: p.fallback ?? '',
        } satisfies Binding,
      ]),
    ),
    missing: c.missingParameter,
    start: c.scheduledAt ? wallOf(c.scheduledAt, zone) : '',
    recipientTime: c.recipientTime,
    expiry: c.expiresAt ? wallOf(c.expiresAt, zone) : '',
    rate: c.rateLimit == null ? '' : String(c.rateLimit),
    failures: c.failureThreshold == null ? '' : percent(c.failureThreshold),
    ...(c.canary
      ? {
          canary: true,
          canarySize: String(c.canary.size),
          canaryMinutes: String(Math.round(c.canary.waitSeconds / 60)),
          canaryFailures: percent(c.canary.maxFailureRate),
        }
      : {}),
  };
};

// placeOf says at which field of the page a refusal stands; parameters are told by their place.
export const placeOf = (path: readonly string[], d: Draft): string => {
  const [first = '', second] = path;
  if (first !== 'parameters' || second === undefined) return first;
  const bound = bindingsOf(d)[Number(second)]?.parameter ?? (Number.isInteger(Number(second)) ? undefined : second);
  return bound ? `parameters.${bound}` : 'parameters';
};
