import type { Cache, KeyingConfig, UpdatesConfig } from '@urql/exchange-graphcache';

const apart = () => null;

// What has no id of its own belongs to what it hangs on.
export const embedded: KeyingConfig = Object.fromEntries(
  [
    'Viewer',
    'Terms',
    'SecondFactor',
    'ExternalSignIn',
    'SendingPolicy',
    'QuietHours',
    'HealthIssue',
    'BusinessProfile',
    'CampaignAudience',
    'CampaignProgress',
    'CampaignProgressUpdate',
    'FailureCount',
    'Cost',
    'Canary',
    'ContactRule',
    'ParameterBinding',
    'StatisticsRow',
    'PageInfo',
    'UserError',
    'MessageError',
    'MessagePricing',
    'DeliveryEvent',
    'SendAttempt',
    'DeliveryEventBatch',
    'TemplateComponent',
    'TemplateButton',
    'TemplateParameter',
    'TemplatePreview',
    'TemplateProblem',
    'TemplateCard',
    'TemplateChange',
    'PreviewMedia',
    'PreviewLocation',
    'PreviewProduct',
    'PreviewOffer',
    'PreviewButton',
    'PreviewCard',
    'CampaignEstimate',
    'SkipCount',
    'MissingCount',
    'CountryEstimate',
    'LanguageEstimate',
    'RateCard',
    'ButtonCount',
    'ConsentRecord',
    'AttributeKey',
    'ImportRejection',
    'ContactImportPreview',
    'ColumnPreview',
    'RowPreview',
    'Erasure',
    'ErasedRows',
    'DataInventoryEntry',
    'OrganizationUsage',
    'Attribute',
  ].map(type => [type, apart]),
);

const lists =
  (...fields: string[]) =>
  (_result: unknown, _args: unknown, cache: Cache) => {
    for (const { fieldName, arguments: args } of cache.inspectFields('Query')) {
      if (fields.includes(fieldName)) cache.invalidate('Query', fieldName, args ?? undefined);
    }
  };

const people = ['contacts', 'contactLists', 'segments', 'attributeKeys'];

// What a mutation makes or takes away is on no page yet: the lists that could show it are read anew.
export const updates: UpdatesConfig = {
  Mutation: {
    connectAccount: lists('accounts', 'templates'),
    connectSandboxAccount: lists('accounts', 'templates'),
    disconnectAccount: lists('accounts', 'templates'),
    sendMessage: lists('messages'),
    createTemplate: lists('templates', 'node'),
    updateTemplate: lists('templates', 'node'),
    submitTemplate: lists('templates', 'node'),
    duplicateTemplate: lists('templates', 'node'),
    deleteTemplate: lists('templates', 'node'),
    createContact: lists(...people),
    updateContact: lists(...people),
    recordConsent: lists(...people),
    eraseContact: lists(...people, 'node'),
    createContactList: lists('contactLists'),
    updateContactList: lists('contactLists'),
    deleteContactList: lists('contactLists'),
    createSegment: lists('segments'),
    updateSegment: lists('segments'),
    deleteSegment: lists('segments'),
    addSuppressions: lists('suppressions', 'contacts'),
    removeSuppression: lists('suppressions', 'contacts'),
    createCampaign: lists('campaigns'),
    updateCampaign: lists('campaigns'),
    acceptTerms: lists('viewer'),
  },
};
