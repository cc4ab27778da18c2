import type {
  ButtonType,
  HeaderFormat,
  OtpType,
  ParameterFormat,
  TemplateButtonInput,
  TemplateCategory,
  TemplateComponentInput,
  TemplateStatus,
} from '../../graphql/graphql';

// What somebody writes of a template, in the parts of which the page is made.

export type Written = { text: string; examples: Record<string, string> };
export type Header = Written & { format: HeaderFormat; mediaHandle: string; fileName: string };
export type Button = {
  type: ButtonType;
  text: string;
  url: string;
  phoneNumber: string;
  example: string;
  otpType: OtpType;
  autofillText: string;
  packageName: string;
  signatureHash: string;
  flowId: string;
  flowAction: string;
  flowScreen: string;
  ttlMinutes: string;
  kept: Partial<TemplateButtonInput>; // what has no field on the page
};
export type Card = { header: Header; body: Written | null; buttons: Button[] };
export type Draft = {
  accountId: string;
  name: string;
  language: string;
  category: TemplateCategory;
  parameterFormat: ParameterFormat;
  ttl: string; // seconds
  header: Header | null;
  body: Written;
  footer: string | null;
  offer: { text: string; hasExpiration: boolean } | null;
  buttons: Button[];
  cards: Card[];
  asksToCall: boolean;
  security: boolean;
  codeMinutes: string;
};

// Base is what is stored of the template that is changed.
export type Base = { id: string; status: TemplateStatus; updatedAt: string; ttl: string };

export const writtenOf = (text = ''): Written => ({ text, examples: {} });
export const headerOf = (format: HeaderFormat): Header => ({ ...writtenOf(), format, mediaHandle: '', fileName: '' });
export const buttonOf = (type: ButtonType, text = ''): Button => ({
  type,
  text,
  url: '',
  phoneNumber: '',
  example: '',
  otpType: 'COPY_CODE',
  autofillText: '',
  packageName: '',
  signatureHash: '',
  flowId: '',
  flowAction: '',
  flowScreen: '',
  ttlMinutes: '',
  kept: {},
});
export const cardOf = (): Card => ({ header: headerOf('IMAGE'), body: writtenOf(), buttons: [] });

export const emptyDraft: Draft = {
  accountId: '',
  name: '',
  language: 'en',
  category: 'MARKETING',
  parameterFormat: 'NAMED',
  ttl: '',
  header: null,
  body: writtenOf(),
  footer: null,
  offer: null,
  buttons: [],
  cards: [],
  asksToCall: false,
  security: true,
  codeMinutes: '',
};

// variables are the names in the braces of a text, in their order, each once.
export const variables = (text: string): string[] => [
  ...new Set([...text.matchAll(/\{\{\s*([^{}\s]+)\s*\}\}/g)].map(found => found[1] as string)),
];

// Buttons that WhatsApp names itself.
export const unnamed: ButtonType[] = ['COPY_CODE', 'REQUEST_CONTACT_INFO', 'CALL_PERMISSION_REQUEST', 'OTHER'];

const examplesOf = ({ text, examples }: Written, format: ParameterFormat): Partial<TemplateComponentInput> => {
  const names = variables(text);
  const given = names.filter(name => examples[name]);
  if (given.length === 0) return {};
  if (format === 'NAMED') return { namedExamples: given.map(key => ({ key, value: examples[key] ?? '' })) };
  return { example: names.toSorted((a, b) => Number(a) - Number(b)).map(name => examples[name] ?? '') };
};

const headerInput = (h: Header, format: ParameterFormat): TemplateComponentInput => ({
  type: 'HEADER',
  format: h.format,
  ...(h.format === 'TEXT' ? { text: h.text, ...examplesOf(h, format) } : {}),
  ...(h.mediaHandle ? { mediaHandle: h.mediaHandle } : {}),
});

const given = (fields: Record<string, string>) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value));

const buttonInput = (b: Button): TemplateButtonInput => {
  const { url, phoneNumber, example, packageName, signatureHash, autofillText, flowId, flowAction, flowScreen } = b;
  const apps: Record<string, string> = b.otpType === 'COPY_CODE' ? {} : { packageName, signatureHash, autofillText };
  const fields: Partial<Record<ButtonType, Record<string, string>>> = {
    URL: { url, example: url.includes('{{') ? example : '' },
    PHONE_NUMBER: { phoneNumber },
    COPY_CODE: { example },
    OTP: { otpType: b.otpType, ...apps },
    FLOW: { flowId, flowAction, flowScreen },
  };
  return {
    ...b.kept,
    type: b.type,
    ...(b.text && !unnamed.includes(b.type) ? { text: b.text } : {}),
    ...given(fields[b.type] ?? {}),
    ...(b.type === 'VOICE_CALL' && b.ttlMinutes ? { ttlMinutes: Number(b.ttlMinutes) } : {}),
  };
};

const buttonsInput = (buttons: Button[]): TemplateComponentInput => ({
  type: 'BUTTONS',
  buttons: buttons.map(buttonInput),
});

// componentsOf are the parts as the API takes them, with which part of the page each one is.
export const componentsOf = (d: Draft): { components: TemplateComponentInput[]; places: string[] } => {
  const parts: [string, TemplateComponentInput][] = [];
  const f = d.parameterFormat;
  if (d.category === 'AUTHENTICATION') {
    parts.push(['body', { type: 'BODY', addSecurityRecommendation: d.security }]);
    if (d.codeMinutes) parts.push(['footer', { type: 'FOOTER', codeExpirationMinutes: Number(d.codeMinutes) }]);
    if (d.buttons.length) parts.push(['buttons', buttonsInput(d.buttons)]);
  } else {
    if (d.header) parts.push(['header', headerInput(d.header, f)]);
    parts.push(['body', { type: 'BODY', text: d.body.text, ...examplesOf(d.body, f) }]);
    if (d.footer !== null) parts.push(['footer', { type: 'FOOTER', text: d.footer }]);
    if (d.offer) parts.push(['offer', { type: 'LIMITED_TIME_OFFER', ...d.offer }]);
    if (d.buttons.length) parts.push(['buttons', buttonsInput(d.buttons)]);
    if (d.asksToCall) parts.push(['call', { type: 'CALL_PERMISSION_REQUEST' }]);
    if (d.cards.length)
      parts.push(['cards', { type: 'CAROUSEL', cards: d.cards.map(card => ({ components: cardParts(card, f) })) }]);
  }
  return { components: parts.map(([, part]) => part), places: parts.map(([place]) => place) };
};

const cardParts = (card: Card, format: ParameterFormat): TemplateComponentInput[] => [
  headerInput(card.header, format),
  ...(card.body ? [{ type: 'BODY' as const, text: card.body.text, ...examplesOf(card.body, format) }] : []),
  ...(card.buttons.length ? [buttonsInput(card.buttons)] : []),
];

const cardPlaces = (card: Card | undefined): string[] => [
  'header',
  ...(card?.body ? ['body'] : []),
  ...(card?.buttons.length ? ['buttons'] : []),
];

// placeOf says where on the page a path of the API is, such as buttons.0.url or cards.1.body.text.
export const placeOf = (path: readonly string[], d: Draft): string => {
  const [first, second, ...rest] = path[0] === 'template' ? path.slice(1) : path;
  if (first !== 'components' || second === undefined) return first ?? '';
  const part = componentsOf(d).places[Number(second)] ?? '';
  if (part === 'buttons' && rest[0] === 'buttons' && rest.length > 1) return ['buttons', ...rest.slice(1)].join('.');
  if (part !== 'cards' || rest[0] !== 'cards' || rest.length < 2) return [part, ...rest].join('.');

  const [, card, components, component, ...below] = rest;
  if (components !== 'components' || component === undefined) return `cards.${card}`;
  const inner = cardPlaces(d.cards[Number(card)])[Number(component)] ?? '';
  const within = inner === 'buttons' && below[0] === 'buttons' && below.length > 1 ? below.slice(1) : below;
  return ['cards', card, inner, ...within].join('.');
};

export const inputOf = (d: Draft) => ({
  name: d.name,
  language: d.language,
  category: d.category,
  parameterFormat: d.category === 'AUTHENTICATION' ? ('POSITIONAL' as const) : d.parameterFormat,
  components: componentsOf(d).components,
  ...(d.ttl ? { messageTtlSeconds: Number(d.ttl) } : {}),
});

// ttlChange is what an update says of the time to live: nothing where it stays.
export const ttlChange = (d: Draft, base: Base) => {
  if (d.ttl === base.ttl) return {};
  return { messageTtlSeconds: d.ttl ? Number(d.ttl) : null };
};

// ── Reading what is stored ──────────────────────────────────────────────────────────────────────

type Stored = {
  name: string;
  language: string;
  category: TemplateCategory;
  parameterFormat: ParameterFormat;
  messageTtlSeconds?: number | null;
  account: { id: string };
  components: readonly { json: string }[];
};

// A part in WhatsApp's own JSON, as far as it is read here.
type Part = {
  type: string;
  format?: HeaderFormat;
  text?: string;
  example?: Record<string, unknown>;
  buttons?: Record<string, unknown>[];
  cards?: { components: Part[] }[];
  limited_time_offer?: { text?: string; has_expiration?: boolean };
  add_security_recommendation?: boolean;
  code_expiration_minutes?: number;
};

type Named = { param_name: string; example: string };
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const word = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');

const readWritten = ({ text = '', example = {} }: Part, kind: 'header' | 'body'): Written => {
  const named = list(example[`${kind}_text_named_params`]) as Named[];
  const rows = list(example[`${kind}_text`]);
  const values = kind === 'body' ? list(rows[0]) : rows;
  const names = variables(text).toSorted((a, b) => Number(a) - Number(b));
  return {
    text,
    examples: Object.fromEntries([
      ...names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, word(values[i])]])),
      ...named.map(one => [one.param_name, one.example]),
    ]),
  };
};

const readHeader = (part: Part): Header => ({
  ...readWritten(part, 'header'),
  format: part.format ?? 'TEXT',
  mediaHandle: word(list(part.example?.header_handle)[0]),
  fileName: '',
});

const readButton = (b: Record<string, unknown>): Button => {
  const type = word(b.type) as ButtonType;
  const apps = list(b.supported_apps) as { package_name: string; signature_hash: string }[];
  const link = b.app_deep_link as Record<string, unknown> | undefined;
  const otp = b.otp_type ? { type: 'OTP' as const } : {};
  return {
    ...buttonOf(type, word(b.text)),
    ...otp,
    url: b.otp_type ? '' : word(b.url),
    phoneNumber: word(b.phone_number),
    example: word(list(b.example)[0]),
    otpType: (word(b.otp_type) || 'COPY_CODE') as OtpType,
    autofillText: word(b.autofill_text),
    packageName: word(apps[0]?.package_name),
    signatureHash: word(apps[0]?.signature_hash),
    flowId: word(b.flow_id),
    flowAction: word(b.flow_action),
    flowScreen: word(b.navigate_screen),
    ttlMinutes: word(b.ttl_minutes),
    kept: {
      ...given({ flowName: word(b.flow_name), flowJson: word(b.flow_json), flowIcon: word(b.icon) }),
      ...(apps.length > 1
        ? { moreApps: apps.slice(1).map(a => ({ packageName: a.package_name, signatureHash: a.signature_hash })) }
        : {}),
      ...(link
        ? {
            appDeepLink: {
              metaAppId: word(link.meta_app_id),
              androidLink: word(link.android_deep_link),
              ...given({ androidFallbackUrl: word(link.android_fallback_playstore_url) }),
            },
          }
        : {}),
    },
  };
};

const readCard = ({ components }: { components: Part[] }): Card => {
  const of = (type: string) => components.find(part => part.type === type);
  const body = of('BODY');
  return {
    header: readHeader(of('HEADER') ?? { type: 'HEADER', format: 'IMAGE' }),
    body: body ? readWritten(body, 'body') : null,
    buttons: (of('BUTTONS')?.buttons ?? []).map(readButton),
  };
};

// draftOf is a stored template as the page shows it.
export const draftOf = (t: Stored): Draft => {
  const parts = t.components.map(part => JSON.parse(part.json) as Part);
  const of = (type: string) => parts.find(part => part.type.toUpperCase() === type);
  const [header, body, footer, offer] = ['HEADER', 'BODY', 'FOOTER', 'LIMITED_TIME_OFFER'].map(of);
  return {
    ...emptyDraft,
    accountId: t.account.id,
    name: t.name,
    language: t.language,
    category: t.category,
    parameterFormat: t.parameterFormat,
    ttl: word(t.messageTtlSeconds ?? ''),
    header: header ? readHeader(header) : null,
    body: body ? readWritten(body, 'body') : writtenOf(),
    footer: footer?.text ?? null,
    offer: offer
      ? {
          text: offer.limited_time_offer?.text ?? '',
          hasExpiration: offer.limited_time_offer?.has_expiration ?? false,
        }
      : null,
    buttons: (of('BUTTONS')?.buttons ?? []).map(readButton),
    cards: (of('CAROUSEL')?.cards ?? []).map(readCard),
    asksToCall: !!of('CALL_PERMISSION_REQUEST'),
    security: body?.add_security_recommendation ?? false,
    codeMinutes: word(footer?.code_expiration_minutes),
  };
};
