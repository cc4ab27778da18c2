import { expect, test } from 'vitest';
import {
  type Button,
  buttonOf,
  cardOf,
  componentsOf,
  type Draft,
  draftOf,
  emptyDraft,
  headerOf,
  inputOf,
  placeOf,
  ttlChange,
  variables,
} from './draft';

const button = (change: Partial<Button> & Pick<Button, 'type'>): Button => ({ ...buttonOf(change.type), ...change });

const offer: Draft = {
  ...emptyDraft,
  accountId: 'acc_1',
  name: 'spring',
  header: { ...headerOf('IMAGE'), mediaHandle: '4::h' },
  body: { text: 'Hi {{name}} of {{city}}, {{name}}!', examples: { name: 'Ana', city: 'Lisbon' } },
  footer: 'Bye',
  offer: { text: 'Ends soon', hasExpiration: true },
  buttons: [
    button({ type: 'COPY_CODE', example: 'SPRING' }),
    button({ type: 'URL', text: 'Go', url: 'https://a.b/{{1}}', example: 'https://a.b/1' }),
  ],
};

test('a variable counts once, in the order in which it stands', () => {
  expect(variables('{{b}} {{ a }} {{b}} {c} {{}}')).toEqual(['b', 'a']);
});

test('a draft becomes the parts of the contract, in the order of a message', () => {
  expect(componentsOf(offer)).toEqual({
    places: ['header', 'body', 'footer', 'offer', 'buttons'],
    components: [
      { type: 'HEADER', format: 'IMAGE', mediaHandle: '4::h' },
      {
        type: 'BODY',
        text: offer.body.text,
        namedExamples: [
          { key: 'name', value: 'Ana' },
          { key: 'city', value: 'Lisbon' },
        ],
      },
      { type: 'FOOTER', text: 'Bye' },
      { type: 'LIMITED_TIME_OFFER', text: 'Ends soon', hasExpiration: true },
      {
        type: 'BUTTONS',
        buttons: [
          { type: 'COPY_CODE', example: 'SPRING' },
          { type: 'URL', text: 'Go', url: 'https://a.b/{{1}}', example: 'https://a.b/1' },
        ],
      },
    ],
  });
});

test('samples of numbered variables stand in the order of the numbers', () => {
  const body = { text: '{{2}} and {{10}} and {{1}}', examples: { 1: 'a', 2: 'b', 10: 'c' } };
  const { components } = componentsOf({ ...emptyDraft, parameterFormat: 'POSITIONAL', body });
  expect(components[0]?.example).toEqual(['a', 'b', 'c']);
});

test('of a one-time password WhatsApp writes the text, and nothing else is sent along', () => {
  const draft: Draft = {
    ...offer,
    category: 'AUTHENTICATION',
    codeMinutes: '5',
    buttons: [
      button({ type: 'OTP', text: 'Copy', otpType: 'ONE_TAP', packageName: 'a.b', signatureHash: '12345678901' }),
    ],
  };
  expect(inputOf(draft)).toMatchObject({
    parameterFormat: 'POSITIONAL',
    components: [
      { type: 'BODY', addSecurityRecommendation: true },
      { type: 'FOOTER', codeExpirationMinutes: 5 },
      {
        type: 'BUTTONS',
        buttons: [{ type: 'OTP', otpType: 'ONE_TAP', packageName: 'a.b', signatureHash: '12345678901' }],
      },
    ],
  });
});

test('what is wrong stands where it was written, inside of cards and buttons, too', () => {
  const draft = { ...offer, cards: [cardOf(), { ...cardOf(), buttons: [buttonOf('URL')] }] };
  const places = {
    name: ['name'],
    'body.text': ['components', '1', 'text'],
    'buttons.1.url': ['components', '4', 'buttons', '1', 'url'],
    'buttons.buttons': ['components', '4', 'buttons'],
    'cards.1.header.example': ['template', 'components', '5', 'cards', '1', 'components', '0', 'example'],
    'cards.1.buttons.0.url': ['components', '5', 'cards', '1', 'components', '2', 'buttons', '0', 'url'],
    'cards.cards': ['components', '5', 'cards'],
    template: ['template'].slice(1).concat('template'),
  };
  for (const [place, path] of Object.entries(places)) {
    expect(placeOf(path, draft)).toBe(place === 'template' ? '' : place);
  }
});

test('what is stored is read back as it was written', () => {
  const json = [
    { type: 'HEADER', format: 'TEXT', text: 'Hi {{1}}', example: { header_text: ['Ana'] } },
    { type: 'BODY', text: '{{1}} {{2}}', example: { body_text: [['a', 'b']] } },
    { type: 'FOOTER', text: 'Bye' },
    { type: 'LIMITED_TIME_OFFER', limited_time_offer: { text: 'Soon', has_expiration: true } },
    {
      type: 'BUTTONS',
      buttons: [
        {
          type: 'URL',
          text: 'Copy',
          url: 'https://www.whatsapp.com/otp/code',
          otp_type: 'ONE_TAP',
          supported_apps: [{ package_name: 'a', signature_hash: 'b' }],
        },
        { type: 'FLOW', text: 'Open', flow_id: '1', icon: 'REVIEW' },
        { type: 'VOICE_CALL', text: 'Call', ttl_minutes: 60 },
      ],
    },
    {
      type: 'CAROUSEL',
      cards: [
        {
          components: [
            { type: 'HEADER', format: 'IMAGE', example: { header_handle: ['4::h'] } },
            { type: 'BODY', text: 'One' },
          ],
        },
      ],
    },
    { type: 'CALL_PERMISSION_REQUEST' },
  ];
  const draft = draftOf({
    name: 'n',
    language: 'en',
    category: 'MARKETING',
    parameterFormat: 'POSITIONAL',
    messageTtlSeconds: 3600,
    account: { id: 'acc_1' },
    components: json.map(part => ({ json: JSON.stringify(part) })),
  });
  expect(componentsOf(draft).components).toEqual([
    { type: 'HEADER', format: 'TEXT', text: 'Hi {{1}}', example: ['Ana'] },
    { type: 'BODY', text: '{{1}} {{2}}', example: ['a', 'b'] },
    { type: 'FOOTER', text: 'Bye' },
    { type: 'LIMITED_TIME_OFFER', text: 'Soon', hasExpiration: true },
    {
      type: 'BUTTONS',
      buttons: [
        { type: 'OTP', text: 'Copy', otpType: 'ONE_TAP', packageName: 'a', signatureHash: 'b' },
        { type: 'FLOW', text: 'Open', flowId: '1', flowIcon: 'REVIEW' },
        { type: 'VOICE_CALL', text: 'Call', ttlMinutes: 60 },
      ],
    },
    { type: 'CALL_PERMISSION_REQUEST' },
    {
      type: 'CAROUSEL',
      cards: [
        {
          components: [
            { type: 'HEADER', format: 'IMAGE', mediaHandle: '4::h' },
            { type: 'BODY', text: 'One' },
          ],
        },
      ],
    },
  ]);
  expect(draft.ttl).toBe('3600');
});

test('a time to live is changed only where somebody changes it', () => {
  const base = { id: 't', status: 'DRAFT' as const, updatedAt: '', ttl: '60' };
  expect(ttlChange({ ...emptyDraft, ttl: '60' }, base)).toEqual({});
  expect(ttlChange({ ...emptyDraft, ttl: '' }, base)).toEqual({ messageTtlSeconds: null });
  expect(ttlChange({ ...emptyDraft, ttl: '90' }, base)).toEqual({ messageTtlSeconds: 90 });
});
