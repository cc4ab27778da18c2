/* eslint-disable */
import * as types from './graphql';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation Accept($input: AcceptInvitationInput!) {\n    acceptInvitation(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.AcceptDocument,
    "\n  fragment NumberState on PhoneNumber {\n    id displayNumber verifiedName qualityRating status throughput throughputCap currentRate queued username shared\n    phoneNumberId\n  }\n": typeof types.NumberStateFragmentDoc,
    "\n  query Accounts {\n    accounts(first: 50, orderBy: [{ field: CONNECTED_AT, direction: ASC }]) {\n      edges {\n        node {\n          id wabaId sandbox name currency status statusReason reviewStatus messagingLimit messagingLimitUsed\n          tokenExpiresAt webhookReceivedAt connectedAt syncedAt\n          health { subject code title remedy severity }\n          phoneNumbers { id ...NumberState }\n        }\n      }\n    }\n  }\n": typeof types.AccountsDocument,
    "\n  subscription AccountNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": typeof types.AccountNewsDocument,
    "\n  mutation SyncAccount($input: SyncAccountInput!) {\n    syncAccount(input: $input) {\n      account { id syncedAt }\n      userErrors { field code message }\n    }\n  }\n": typeof types.SyncAccountDocument,
    "\n  mutation DisconnectAccount($input: DisconnectAccountInput!) {\n    disconnectAccount(input: $input) {\n      account { id status }\n      userErrors { field code message }\n    }\n  }\n": typeof types.DisconnectAccountDocument,
    "\n  mutation CapNumber($input: UpdatePhoneNumberInput!) {\n    updatePhoneNumber(input: $input) {\n      phoneNumber { id throughputCap }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CapNumberDocument,
    "\n  query NumberProfile($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on PhoneNumber { profile { about address description email websites vertical } }\n    }\n  }\n": typeof types.NumberProfileDocument,
    "\n  mutation UpdateProfile($input: UpdateBusinessProfileInput!) {\n    updateBusinessProfile(input: $input) {\n      phoneNumber { id profile { about address description email websites vertical } }\n      userErrors { field code message }\n    }\n  }\n": typeof types.UpdateProfileDocument,
    "\n  mutation RegisterNumber($input: RegisterPhoneNumberInput!) {\n    registerPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      pin\n      userErrors { field code message }\n    }\n  }\n": typeof types.RegisterNumberDocument,
    "\n  mutation DeregisterNumber($input: DeregisterPhoneNumberInput!) {\n    deregisterPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n": typeof types.DeregisterNumberDocument,
    "\n  mutation RequestCode($input: RequestVerificationCodeInput!) {\n    requestVerificationCode(input: $input) {\n      phoneNumber { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.RequestCodeDocument,
    "\n  mutation VerifyNumber($input: VerifyPhoneNumberInput!) {\n    verifyPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n": typeof types.VerifyNumberDocument,
    "\n  query CampaignChoices {\n    accounts(first: 20) {\n      edges { node { id name status sandbox phoneNumbers { id displayNumber verifiedName } } }\n    }\n    templates(first: 100, filter: { status: [APPROVED] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language category\n          account { id }\n          parameters { name component kind example cardIndex buttonIndex }\n          translations { id language status }\n        }\n      }\n    }\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name size } } }\n    segments(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n  }\n": typeof types.CampaignChoicesDocument,
    "\n  fragment CampaignDraft on Campaign {\n    id name status revision translate missingParameter scheduledAt timeZone recipientTime expiresAt rateLimit\n    failureThreshold\n    template { id name language }\n    phoneNumber { id }\n    audience {\n      contacts recipients\n      lists { id } segments { id } excludeLists { id } excludeSegments { id }\n      rule { field operator values }\n    }\n    parameters { parameter value contactField attribute fallback }\n    canary { size waitSeconds maxFailureRate }\n  }\n": typeof types.CampaignDraftFragmentDoc,
    "\n  query CampaignToEdit($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ...CampaignDraft\n    }\n  }\n": typeof types.CampaignToEditDocument,
    "\n  mutation CreateCampaign($input: CreateCampaignInput!) {\n    createCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateCampaignDocument,
    "\n  mutation UpdateCampaign($input: UpdateCampaignInput!) {\n    updateCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n": typeof types.UpdateCampaignDocument,
    "\n  mutation EstimateCampaign($input: EstimateCampaignInput!) {\n    estimateCampaign(input: $input) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        rateCard { name example }\n        skipped { reason count }\n        countries { country recipients cost { amount currency } }\n        languages { language recipients template { id name } }\n        missing { parameter count }\n        problems { field code message }\n        sample { ...Bubble }\n      }\n      userErrors { field code message }\n    }\n  }\n": typeof types.EstimateCampaignDocument,
    "\n  mutation TestCampaign($input: TestCampaignInput!) {\n    testCampaign(input: $input) {\n      message { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.TestCampaignDocument,
    "\n  query TestedMessage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message { status to error { title advice } }\n    }\n  }\n": typeof types.TestedMessageDocument,
    "\n  subscription TestNews($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n": typeof types.TestNewsDocument,
    "\n  mutation CancelCampaign($id: ID!) {\n    cancelCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CancelCampaignDocument,
    "\n  mutation EstimateQuick($id: ID!) {\n    estimateCampaign(input: { campaignId: $id }) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        skipped { reason count }\n        problems { field code message }\n      }\n      userErrors { field code message }\n    }\n  }\n": typeof types.EstimateQuickDocument,
    "\n  mutation Launch($id: ID!, $most: Int!) {\n    launchCampaign(input: { campaignId: $id, atMostRecipients: $most }) {\n      campaign { id status statusReason statusDetail launchedAt }\n      userErrors { field code message }\n    }\n  }\n": typeof types.LaunchDocument,
    "\n  query CampaignPage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Campaign {\n        name status statusReason statusDetail scheduledAt launchedAt completedAt rateLimit\n        template { id name language }\n        phoneNumber { id displayNumber throughput }\n        progress {\n          ...CampaignProgressFields\n          cost { amount currency }\n          replied\n          skips { reason count }\n          failures { code title advice retryable count }\n        }\n      }\n    }\n  }\n": typeof types.CampaignPageDocument,
    "\n  subscription FollowCampaignPage($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      campaign { id status statusReason statusDetail launchedAt completedAt }\n      status\n      progress {\n        ...CampaignProgressFields\n        cost { amount currency }\n        replied\n          skips { reason count }\n          failures { code title advice retryable count }\n      }\n    }\n  }\n": typeof types.FollowCampaignPageDocument,
    "\n  mutation Pause($id: ID!) {\n    pauseCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": typeof types.PauseDocument,
    "\n  mutation Resume($id: ID!) {\n    resumeCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ResumeDocument,
    "\n  mutation Retry($id: ID!, $codes: [Int!]) {\n    retryCampaign(input: { campaignId: $id, errorCodes: $codes }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": typeof types.RetryDocument,
    "\n  query CampaignList($status: [CampaignStatus!], $search: String, $after: Cursor) {\n    campaigns(\n      first: 30\n      after: $after\n      filter: { status: $status, search: $search }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges {\n        node {\n          id name status createdAt\n          template { id name language }\n          progress { ...CampaignProgressFields }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.CampaignListDocument,
    "\n  subscription CampaignNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": typeof types.CampaignNewsDocument,
    "\n  mutation PreviewImport($input: PreviewContactImportInput!) {\n    previewContactImport(input: $input) {\n      preview {\n        encoding delimiter rowsTotal\n        columns { column field attribute examples }\n        rows { line phone name accepted reason }\n      }\n      userErrors { field code message }\n    }\n  }\n": typeof types.PreviewImportDocument,
    "\n  mutation ImportContacts($input: ImportContactsInput!) {\n    importContacts(input: $input) {\n      contactImport { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ImportContactsDocument,
    "\n  fragment ImportState on ContactImport {\n    id status statusReason fileName rowsTotal rowsRead created updated rejected createdAt finishedAt\n  }\n": typeof types.ImportStateFragmentDoc,
    "\n  mutation CancelImport($input: CancelContactImportInput!) {\n    cancelContactImport(input: $input) {\n      contactImport { ...ImportState }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CancelImportDocument,
    "\n  query ImportLists {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n": typeof types.ImportListsDocument,
    "\n  mutation ImportNewList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ImportNewListDocument,
    "\n  query Imports($after: Cursor) {\n    contactImports(first: 20, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id ...ImportState } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.ImportsDocument,
    "\n  query OneImport($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on ContactImport {\n        ...ImportState\n        rejections(first: 20) { line value reason }\n        rejectedFileUrl\n      }\n    }\n  }\n": typeof types.OneImportDocument,
    "\n  subscription ImportProgress($id: ID!) {\n    contactImportProgress(importId: $id) { ...ImportState }\n  }\n": typeof types.ImportProgressDocument,
    "\n  mutation RecordConsent($input: RecordConsentInput!) {\n    recordConsent(input: $input) {\n      contact { id marketingConsent }\n      userErrors { field code message }\n    }\n  }\n": typeof types.RecordConsentDocument,
    "\n  mutation UpdateContact($input: UpdateContactInput!) {\n    updateContact(input: $input) {\n      contact { id name language timeZone tags attributes { key value } lists { id name } }\n      userErrors { field code message }\n    }\n  }\n": typeof types.UpdateContactDocument,
    "\n  query ListsOfEdit {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n": typeof types.ListsOfEditDocument,
    "\n  mutation EraseContact($input: EraseContactInput!) {\n    eraseContact(input: $input) {\n      erasedContactId\n      userErrors { field code message }\n    }\n  }\n": typeof types.EraseContactDocument,
    "\n  mutation CreateContact($input: CreateContactInput!) {\n    createContact(input: $input) {\n      contact { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateContactDocument,
    "\n  query ContactListPage($filter: ContactFilter!, $after: Cursor) {\n    contacts(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name phone waUserId country language timeZone marketingConsent suppressed tags createdAt\n          lists { id name }\n          attributes { key value }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.ContactListPageDocument,
    "\n  mutation ExportContacts($input: ExportContactsInput!) {\n    exportContacts(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ExportContactsDocument,
    "\n  query ContactPanel($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Contact {\n        name phone waPhone waUserId username country language timeZone tags suppressed createdAt serviceWindowClosesAt\n        marketingConsent\n        lists { id name }\n        attributes { key value }\n        consentHistory { consent saidBy saidAt source evidence }\n        messages(first: 20) {\n          edges { node { id direction status createdAt text error { title } campaign { id name } template { id name } } }\n          pageInfo { hasNextPage }\n        }\n      }\n    }\n  }\n": typeof types.ContactPanelDocument,
    "\n  subscription ContactEvents($id: ID!) {\n    deliveryEvents(filter: { contactId: $id }) { cursor events { sequence } }\n  }\n": typeof types.ContactEventsDocument,
    "\n  mutation Enter($input: SignInByLinkInput!) {\n    signInByLink(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.EnterDocument,
    "\n  mutation CompleteExternal($input: CompleteExternalSignInInput!) {\n    completeExternalSignIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.CompleteExternalDocument,
    "\n  mutation AskReset($input: RequestPasswordResetInput!) {\n    requestPasswordReset(input: $input) {\n      sent\n      userErrors { field code message }\n    }\n  }\n": typeof types.AskResetDocument,
    "\n  fragment LimitedAccount on Account {\n    id name sandbox messagingLimit messagingLimitUsed\n    phoneNumbers { id displayNumber verifiedName qualityRating throughput currentRate queued }\n  }\n": typeof types.LimitedAccountFragmentDoc,
    "\n  query Home($since: Time!, $until: Time!, $timeZone: String!) {\n    campaigns(\n      first: 20\n      filter: { status: [PREPARING, RUNNING, PAUSED, SCHEDULED] }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...RunningCampaign ...PausedCampaign } }\n    }\n    accounts(first: 20) {\n      edges { node { id status ...TroubledAccount ...LimitedAccount } }\n    }\n    templates(\n      first: 10\n      filter: { status: [REJECTED, PAUSED, DISABLED] }\n      orderBy: [{ field: UPDATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...TroubledTemplate } }\n    }\n    statistics(filter: { since: $since, until: $until, timeZone: $timeZone }, interval: TOTAL) {\n      accepted delivered read failed skipped received optedOut\n      cost { amount currency }\n    }\n  }\n": typeof types.HomeDocument,
    "\n  subscription HomeNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": typeof types.HomeNewsDocument,
    "\n  subscription HomeArrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n": typeof types.HomeArrivalsDocument,
    "\n  fragment RunningCampaign on Campaign {\n    id name status statusReason scheduledAt\n    progress { ...CampaignProgressFields }\n  }\n": typeof types.RunningCampaignFragmentDoc,
    "\n  subscription FollowCampaign($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      status\n      progress { ...CampaignProgressFields }\n    }\n  }\n": typeof types.FollowCampaignDocument,
    "\n  fragment PausedCampaign on Campaign {\n    id name status statusReason statusDetail\n  }\n": typeof types.PausedCampaignFragmentDoc,
    "\n  fragment TroubledAccount on Account {\n    id name status statusReason tokenExpiresAt\n    health { subject title remedy severity }\n    phoneNumbers { id displayNumber qualityRating }\n  }\n": typeof types.TroubledAccountFragmentDoc,
    "\n  fragment TroubledTemplate on Template {\n    id name language status rejectionReason\n  }\n": typeof types.TroubledTemplateFragmentDoc,
    "\n  query Lists($after: Cursor) {\n    contactLists(first: 50, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.ListsDocument,
    "\n  mutation CreateList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateListDocument,
    "\n  mutation RenameList($input: UpdateContactListInput!) {\n    updateContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n": typeof types.RenameListDocument,
    "\n  mutation DeleteList($input: DeleteContactListInput!) {\n    deleteContactList(input: $input) {\n      deletedContactListId\n      userErrors { field code message }\n    }\n  }\n": typeof types.DeleteListDocument,
    "\n  query MessagePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message {\n        direction status to from wamid text reference attempts skipReason\n        error { code title detail advice }\n        campaign { id name }\n        template { id name language }\n        phoneNumber { id displayNumber }\n        pricing { category state cost { amount currency } }\n        events { sequence status at error { code title } }\n        failedAttempts {\n          number at tookMs endpoint request httpStatus code subcode title detail traceId tryAgainAt\n        }\n      }\n    }\n  }\n": typeof types.MessagePageDocument,
    "\n  subscription MessageEvents($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n": typeof types.MessageEventsDocument,
    "\n  query MessageLog($filter: MessageFilter!, $after: Cursor) {\n    messages(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id direction status to from createdAt skipReason\n          error { code title advice }\n          campaign { id name }\n          template { id name }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.MessageLogDocument,
    "\n  mutation ExportMessages($input: ExportMessagesInput!) {\n    exportMessages(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ExportMessagesDocument,
    "\n  mutation Reset($input: ResetPasswordInput!) {\n    resetPassword(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.ResetDocument,
    "\n  query Factor {\n    viewer {\n      mustSetUpSecondFactor\n      secondFactor { enabled enabledAt recoveryCodesLeft }\n    }\n  }\n": typeof types.FactorDocument,
    "\n  mutation BeginFactor($input: BeginSecondFactorInput!) {\n    beginSecondFactor(input: $input) {\n      secret\n      uri\n      userErrors { field code message }\n    }\n  }\n": typeof types.BeginFactorDocument,
    "\n  mutation ConfirmFactor($input: ConfirmSecondFactorInput!) {\n    confirmSecondFactor(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n": typeof types.ConfirmFactorDocument,
    "\n  mutation NewCodes($input: RegenerateRecoveryCodesInput!) {\n    regenerateRecoveryCodes(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n": typeof types.NewCodesDocument,
    "\n  mutation DisableFactor($input: DisableSecondFactorInput!) {\n    disableSecondFactor(input: $input) {\n      viewer { mustSetUpSecondFactor }\n      userErrors { field code message }\n    }\n  }\n": typeof types.DisableFactorDocument,
    "\n  query Segments($after: Cursor) {\n    segments(first: 20, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size rule { field operator values } } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.SegmentsDocument,
    "\n  mutation CreateSegment($input: CreateSegmentInput!) {\n    createSegment(input: $input) {\n      segment { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateSegmentDocument,
    "\n  mutation UpdateSegment($input: UpdateSegmentInput!) {\n    updateSegment(input: $input) {\n      segment { id name size rule { field operator values } }\n      userErrors { field code message }\n    }\n  }\n": typeof types.UpdateSegmentDocument,
    "\n  mutation DeleteSegment($input: DeleteSegmentInput!) {\n    deleteSegment(input: $input) {\n      deletedSegmentId\n      userErrors { field code message }\n    }\n  }\n": typeof types.DeleteSegmentDocument,
    "\n  mutation SignIn($input: SignInInput!) {\n    signIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.SignInDocument,
    "\n  mutation SignUp($input: SignUpInput!) {\n    signUp(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.SignUpDocument,
    "\n  mutation Connect($input: ConnectAccountInput!) {\n    connectAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ConnectDocument,
    "\n  mutation ConnectSandbox($input: ConnectSandboxAccountInput!) {\n    connectSandboxAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ConnectSandboxDocument,
    "\n  mutation Example($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ExampleDocument,
    "\n  query Start {\n    viewer { mustAcceptTerms }\n    accounts(first: 20) {\n      edges {\n        node {\n          id name sandbox status webhookReceivedAt\n          phoneNumbers { id displayNumber }\n        }\n      }\n    }\n    templates(first: 20, filter: { status: [APPROVED, PENDING] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language status\n          account { id }\n          parameters { name example kind }\n        }\n      }\n    }\n    messages(first: 1, filter: { direction: OUTBOUND, status: [ACCEPTED, SENT, DELIVERED, READ] }) { edges { node { id status } } }\n    tries: messages(first: 1, filter: { direction: OUTBOUND }, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id to status error { title advice } } }\n    }\n    campaigns(first: 1, filter: { status: [SCHEDULED, PREPARING, RUNNING, PAUSED, COMPLETED] }) {\n      edges { node { id name status } }\n    }\n  }\n": typeof types.StartDocument,
    "\n  subscription StartNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": typeof types.StartNewsDocument,
    "\n  subscription Arrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n": typeof types.ArrivalsDocument,
    "\n  mutation AcceptTerms($input: AcceptTermsInput!) {\n    acceptTerms(input: $input) {\n      viewer { mustAcceptTerms }\n      userErrors { field code message }\n    }\n  }\n": typeof types.AcceptTermsDocument,
    "\n  mutation SendTest($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      message { id status }\n      userErrors { field code message }\n    }\n  }\n": typeof types.SendTestDocument,
    "\n  query StatisticsPage(\n    $now: StatisticsFilter!\n    $past: StatisticsFilter!\n    $by: [StatisticsDimension!]!\n  ) {\n    total: statistics(filter: $now, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    earlier: statistics(filter: $past, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    days: statistics(filter: $now, interval: DAY) {\n      start accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    groups: statistics(filter: $now, interval: TOTAL, groupBy: $by) {\n      account { id name }\n      phoneNumber { id displayNumber }\n      template { id name language }\n      campaign { id name }\n      category country errorCode\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n  }\n": typeof types.StatisticsPageDocument,
    "\n  mutation ExportStatistics($input: ExportStatisticsInput!) {\n    exportStatistics(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.ExportStatisticsDocument,
    "\n  query Suppressions($search: String, $after: Cursor) {\n    suppressions(first: 50, search: $search, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id phone reason createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.SuppressionsDocument,
    "\n  mutation AddSuppressions($input: AddSuppressionsInput!) {\n    addSuppressions(input: $input) {\n      added\n      userErrors { field code message }\n    }\n  }\n": typeof types.AddSuppressionsDocument,
    "\n  mutation RemoveSuppression($input: RemoveSuppressionInput!) {\n    removeSuppression(input: $input) {\n      removedSuppressionId\n      userErrors { field code message }\n    }\n  }\n": typeof types.RemoveSuppressionDocument,
    "\n  query TemplateEdit($id: ID!, $has: Boolean!) {\n    accounts(first: 50) { edges { node { id name status sandbox } } }\n    node(id: $id) @include(if: $has) {\n      __typename\n      id\n      ... on Template {\n        name language category status parameterFormat messageTtlSeconds updatedAt rejectionReason\n        account { id name }\n        components { type json }\n      }\n    }\n  }\n": typeof types.TemplateEditDocument,
    "\n  query TemplateLook($input: TemplateInput!) {\n    lintTemplate(input: $input) { field rule message severity }\n    previewTemplate(input: $input) { ...Bubble }\n  }\n": typeof types.TemplateLookDocument,
    "\n  mutation CreateTemplate($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateTemplateDocument,
    "\n  mutation UpdateTemplate($input: UpdateTemplateInput!) {\n    updateTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": typeof types.UpdateTemplateDocument,
    "\n  mutation SubmitTemplate($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": typeof types.SubmitTemplateDocument,
    "\n  mutation UploadExample($input: UploadMediaInput!) {\n    uploadMedia(input: $input) {\n      handle\n      userErrors { field code message }\n    }\n  }\n": typeof types.UploadExampleDocument,
    "\n  mutation DeleteTemplate($input: DeleteTemplateInput!) {\n    deleteTemplate(input: $input) {\n      deletedTemplateIds\n      userErrors { field code message }\n    }\n  }\n": typeof types.DeleteTemplateDocument,
    "\n  mutation DuplicateTemplate($input: DuplicateTemplateInput!) {\n    duplicateTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n": typeof types.DuplicateTemplateDocument,
    "\n  query TemplatePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Template {\n        name language category comingCategory status rejectionReason qualityScore parameterFormat messageTtlSeconds\n        account { id name }\n        parameters { name kind example }\n        preview { ...Bubble }\n        translations { id language status }\n        history { at actor field from to reason }\n        campaigns(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n      }\n    }\n  }\n": typeof types.TemplatePageDocument,
    "\n  subscription TemplateChanged {\n    statusChanged { __typename ... on Template { id status } }\n  }\n": typeof types.TemplateChangedDocument,
    "\n  mutation SubmitDraft($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status rejectionReason }\n      userErrors { field code message }\n    }\n  }\n": typeof types.SubmitDraftDocument,
    "\n  query TemplateList($filter: TemplateFilter!, $after: Cursor) {\n    templates(first: 50, after: $after, filter: $filter, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges {\n        node {\n          id name language category comingCategory status rejectionReason qualityScore updatedAt\n          account { id name }\n          campaigns(first: 3) { edges { node { id name } } pageInfo { hasNextPage } }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": typeof types.TemplateListDocument,
    "\n  subscription TemplateNews {\n    statusChanged { __typename ... on Template { id status } }\n  }\n": typeof types.TemplateNewsDocument,
    "\n  mutation Verify($input: VerifyEmailInput!) {\n    verifyEmail(input: $input) {\n      user { id email emailVerifiedAt }\n      userErrors { field code message }\n    }\n  }\n": typeof types.VerifyDocument,
    "\n  mutation AskToVerify {\n    requestEmailVerification(input: {}) {\n      sent\n      userErrors { field code message }\n    }\n  }\n": typeof types.AskToVerifyDocument,
    "\n  fragment Bubble on TemplatePreview {\n    header body footer asksToCall\n    media { format link mediaId fileName }\n    location { name address }\n    product { productId }\n    offer { text code endsAt }\n    actions { type text }\n    cards {\n      header body\n      media { format link mediaId fileName }\n      product { productId }\n      actions { type text }\n    }\n  }\n": typeof types.BubbleFragmentDoc,
    "\n  query ExportState($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Export { status statusReason rows fileName url }\n    }\n  }\n": typeof types.ExportStateDocument,
    "\n  query Provider {\n    externalSignIn { name }\n  }\n": typeof types.ProviderDocument,
    "\n  mutation BeginExternal($input: BeginExternalSignInInput!) {\n    beginExternalSignIn(input: $input) {\n      url\n      flow\n      userErrors { field code message }\n    }\n  }\n": typeof types.BeginExternalDocument,
    "\n  mutation CreateOrganization($input: CreateOrganizationInput!) {\n    createOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.CreateOrganizationDocument,
    "\n  mutation Switch($input: SwitchOrganizationInput!) {\n    switchOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": typeof types.SwitchDocument,
    "\n  fragment CampaignProgressFields on CampaignProgress {\n    total queued sending accepted sent delivered read failed unknown skipped canceled\n    fraction ratePerSecond etaSeconds\n  }\n": typeof types.CampaignProgressFieldsFragmentDoc,
    "\n  query RuleWords {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n    campaigns(first: 100, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n  }\n": typeof types.RuleWordsDocument,
    "\n  query RuleCount($filter: ContactFilter!) {\n    contacts(first: 1, filter: $filter) { totalCount }\n  }\n": typeof types.RuleCountDocument,
    "\n  mutation SignOut {\n    signOut {\n      signedOut\n      userErrors { field code message }\n    }\n  }\n": typeof types.SignOutDocument,
    "\n  mutation Speak($input: UpdateUserInput!) {\n    updateUser(input: $input) {\n      user { id locale }\n      userErrors { field code message }\n    }\n  }\n": typeof types.SpeakDocument,
    "\n  query Terms {\n    terms { version body effectiveAt }\n  }\n": typeof types.TermsDocument,
    "\n  query TermsVersion {\n    terms { version effectiveAt }\n  }\n": typeof types.TermsVersionDocument,
    "\n  query Viewer {\n    viewer {\n      role\n      notice\n      mustSetUpSecondFactor\n      user { id name email emailVerifiedAt locale }\n      memberships { id role organization { id name status } }\n    }\n  }\n": typeof types.ViewerDocument,
    "\n  query Organization {\n    viewer {\n      mustAcceptTerms\n      organization { id name status statusReason suspendedUntil timeZone }\n    }\n  }\n": typeof types.OrganizationDocument,
};
const documents: Documents = {
    "\n  mutation Accept($input: AcceptInvitationInput!) {\n    acceptInvitation(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.AcceptDocument,
    "\n  fragment NumberState on PhoneNumber {\n    id displayNumber verifiedName qualityRating status throughput throughputCap currentRate queued username shared\n    phoneNumberId\n  }\n": types.NumberStateFragmentDoc,
    "\n  query Accounts {\n    accounts(first: 50, orderBy: [{ field: CONNECTED_AT, direction: ASC }]) {\n      edges {\n        node {\n          id wabaId sandbox name currency status statusReason reviewStatus messagingLimit messagingLimitUsed\n          tokenExpiresAt webhookReceivedAt connectedAt syncedAt\n          health { subject code title remedy severity }\n          phoneNumbers { id ...NumberState }\n        }\n      }\n    }\n  }\n": types.AccountsDocument,
    "\n  subscription AccountNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": types.AccountNewsDocument,
    "\n  mutation SyncAccount($input: SyncAccountInput!) {\n    syncAccount(input: $input) {\n      account { id syncedAt }\n      userErrors { field code message }\n    }\n  }\n": types.SyncAccountDocument,
    "\n  mutation DisconnectAccount($input: DisconnectAccountInput!) {\n    disconnectAccount(input: $input) {\n      account { id status }\n      userErrors { field code message }\n    }\n  }\n": types.DisconnectAccountDocument,
    "\n  mutation CapNumber($input: UpdatePhoneNumberInput!) {\n    updatePhoneNumber(input: $input) {\n      phoneNumber { id throughputCap }\n      userErrors { field code message }\n    }\n  }\n": types.CapNumberDocument,
    "\n  query NumberProfile($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on PhoneNumber { profile { about address description email websites vertical } }\n    }\n  }\n": types.NumberProfileDocument,
    "\n  mutation UpdateProfile($input: UpdateBusinessProfileInput!) {\n    updateBusinessProfile(input: $input) {\n      phoneNumber { id profile { about address description email websites vertical } }\n      userErrors { field code message }\n    }\n  }\n": types.UpdateProfileDocument,
    "\n  mutation RegisterNumber($input: RegisterPhoneNumberInput!) {\n    registerPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      pin\n      userErrors { field code message }\n    }\n  }\n": types.RegisterNumberDocument,
    "\n  mutation DeregisterNumber($input: DeregisterPhoneNumberInput!) {\n    deregisterPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n": types.DeregisterNumberDocument,
    "\n  mutation RequestCode($input: RequestVerificationCodeInput!) {\n    requestVerificationCode(input: $input) {\n      phoneNumber { id }\n      userErrors { field code message }\n    }\n  }\n": types.RequestCodeDocument,
    "\n  mutation VerifyNumber($input: VerifyPhoneNumberInput!) {\n    verifyPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n": types.VerifyNumberDocument,
    "\n  query CampaignChoices {\n    accounts(first: 20) {\n      edges { node { id name status sandbox phoneNumbers { id displayNumber verifiedName } } }\n    }\n    templates(first: 100, filter: { status: [APPROVED] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language category\n          account { id }\n          parameters { name component kind example cardIndex buttonIndex }\n          translations { id language status }\n        }\n      }\n    }\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name size } } }\n    segments(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n  }\n": types.CampaignChoicesDocument,
    "\n  fragment CampaignDraft on Campaign {\n    id name status revision translate missingParameter scheduledAt timeZone recipientTime expiresAt rateLimit\n    failureThreshold\n    template { id name language }\n    phoneNumber { id }\n    audience {\n      contacts recipients\n      lists { id } segments { id } excludeLists { id } excludeSegments { id }\n      rule { field operator values }\n    }\n    parameters { parameter value contactField attribute fallback }\n    canary { size waitSeconds maxFailureRate }\n  }\n": types.CampaignDraftFragmentDoc,
    "\n  query CampaignToEdit($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ...CampaignDraft\n    }\n  }\n": types.CampaignToEditDocument,
    "\n  mutation CreateCampaign($input: CreateCampaignInput!) {\n    createCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n": types.CreateCampaignDocument,
    "\n  mutation UpdateCampaign($input: UpdateCampaignInput!) {\n    updateCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n": types.UpdateCampaignDocument,
    "\n  mutation EstimateCampaign($input: EstimateCampaignInput!) {\n    estimateCampaign(input: $input) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        rateCard { name example }\n        skipped { reason count }\n        countries { country recipients cost { amount currency } }\n        languages { language recipients template { id name } }\n        missing { parameter count }\n        problems { field code message }\n        sample { ...Bubble }\n      }\n      userErrors { field code message }\n    }\n  }\n": types.EstimateCampaignDocument,
    "\n  mutation TestCampaign($input: TestCampaignInput!) {\n    testCampaign(input: $input) {\n      message { id }\n      userErrors { field code message }\n    }\n  }\n": types.TestCampaignDocument,
    "\n  query TestedMessage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message { status to error { title advice } }\n    }\n  }\n": types.TestedMessageDocument,
    "\n  subscription TestNews($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n": types.TestNewsDocument,
    "\n  mutation CancelCampaign($id: ID!) {\n    cancelCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": types.CancelCampaignDocument,
    "\n  mutation EstimateQuick($id: ID!) {\n    estimateCampaign(input: { campaignId: $id }) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        skipped { reason count }\n        problems { field code message }\n      }\n      userErrors { field code message }\n    }\n  }\n": types.EstimateQuickDocument,
    "\n  mutation Launch($id: ID!, $most: Int!) {\n    launchCampaign(input: { campaignId: $id, atMostRecipients: $most }) {\n      campaign { id status statusReason statusDetail launchedAt }\n      userErrors { field code message }\n    }\n  }\n": types.LaunchDocument,
    "\n  query CampaignPage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Campaign {\n        name status statusReason statusDetail scheduledAt launchedAt completedAt rateLimit\n        template { id name language }\n        phoneNumber { id displayNumber throughput }\n        progress {\n          ...CampaignProgressFields\n          cost { amount currency }\n          replied\n          skips { reason count }\n          failures { code title advice retryable count }\n        }\n      }\n    }\n  }\n": types.CampaignPageDocument,
    "\n  subscription FollowCampaignPage($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      campaign { id status statusReason statusDetail launchedAt completedAt }\n      status\n      progress {\n        ...CampaignProgressFields\n        cost { amount currency }\n        replied\n          skips { reason count }\n          failures { code title advice retryable count }\n      }\n    }\n  }\n": types.FollowCampaignPageDocument,
    "\n  mutation Pause($id: ID!) {\n    pauseCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": types.PauseDocument,
    "\n  mutation Resume($id: ID!) {\n    resumeCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": types.ResumeDocument,
    "\n  mutation Retry($id: ID!, $codes: [Int!]) {\n    retryCampaign(input: { campaignId: $id, errorCodes: $codes }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n": types.RetryDocument,
    "\n  query CampaignList($status: [CampaignStatus!], $search: String, $after: Cursor) {\n    campaigns(\n      first: 30\n      after: $after\n      filter: { status: $status, search: $search }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges {\n        node {\n          id name status createdAt\n          template { id name language }\n          progress { ...CampaignProgressFields }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.CampaignListDocument,
    "\n  subscription CampaignNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": types.CampaignNewsDocument,
    "\n  mutation PreviewImport($input: PreviewContactImportInput!) {\n    previewContactImport(input: $input) {\n      preview {\n        encoding delimiter rowsTotal\n        columns { column field attribute examples }\n        rows { line phone name accepted reason }\n      }\n      userErrors { field code message }\n    }\n  }\n": types.PreviewImportDocument,
    "\n  mutation ImportContacts($input: ImportContactsInput!) {\n    importContacts(input: $input) {\n      contactImport { id }\n      userErrors { field code message }\n    }\n  }\n": types.ImportContactsDocument,
    "\n  fragment ImportState on ContactImport {\n    id status statusReason fileName rowsTotal rowsRead created updated rejected createdAt finishedAt\n  }\n": types.ImportStateFragmentDoc,
    "\n  mutation CancelImport($input: CancelContactImportInput!) {\n    cancelContactImport(input: $input) {\n      contactImport { ...ImportState }\n      userErrors { field code message }\n    }\n  }\n": types.CancelImportDocument,
    "\n  query ImportLists {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n": types.ImportListsDocument,
    "\n  mutation ImportNewList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n": types.ImportNewListDocument,
    "\n  query Imports($after: Cursor) {\n    contactImports(first: 20, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id ...ImportState } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.ImportsDocument,
    "\n  query OneImport($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on ContactImport {\n        ...ImportState\n        rejections(first: 20) { line value reason }\n        rejectedFileUrl\n      }\n    }\n  }\n": types.OneImportDocument,
    "\n  subscription ImportProgress($id: ID!) {\n    contactImportProgress(importId: $id) { ...ImportState }\n  }\n": types.ImportProgressDocument,
    "\n  mutation RecordConsent($input: RecordConsentInput!) {\n    recordConsent(input: $input) {\n      contact { id marketingConsent }\n      userErrors { field code message }\n    }\n  }\n": types.RecordConsentDocument,
    "\n  mutation UpdateContact($input: UpdateContactInput!) {\n    updateContact(input: $input) {\n      contact { id name language timeZone tags attributes { key value } lists { id name } }\n      userErrors { field code message }\n    }\n  }\n": types.UpdateContactDocument,
    "\n  query ListsOfEdit {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n": types.ListsOfEditDocument,
    "\n  mutation EraseContact($input: EraseContactInput!) {\n    eraseContact(input: $input) {\n      erasedContactId\n      userErrors { field code message }\n    }\n  }\n": types.EraseContactDocument,
    "\n  mutation CreateContact($input: CreateContactInput!) {\n    createContact(input: $input) {\n      contact { id }\n      userErrors { field code message }\n    }\n  }\n": types.CreateContactDocument,
    "\n  query ContactListPage($filter: ContactFilter!, $after: Cursor) {\n    contacts(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name phone waUserId country language timeZone marketingConsent suppressed tags createdAt\n          lists { id name }\n          attributes { key value }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.ContactListPageDocument,
    "\n  mutation ExportContacts($input: ExportContactsInput!) {\n    exportContacts(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": types.ExportContactsDocument,
    "\n  query ContactPanel($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Contact {\n        name phone waPhone waUserId username country language timeZone tags suppressed createdAt serviceWindowClosesAt\n        marketingConsent\n        lists { id name }\n        attributes { key value }\n        consentHistory { consent saidBy saidAt source evidence }\n        messages(first: 20) {\n          edges { node { id direction status createdAt text error { title } campaign { id name } template { id name } } }\n          pageInfo { hasNextPage }\n        }\n      }\n    }\n  }\n": types.ContactPanelDocument,
    "\n  subscription ContactEvents($id: ID!) {\n    deliveryEvents(filter: { contactId: $id }) { cursor events { sequence } }\n  }\n": types.ContactEventsDocument,
    "\n  mutation Enter($input: SignInByLinkInput!) {\n    signInByLink(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.EnterDocument,
    "\n  mutation CompleteExternal($input: CompleteExternalSignInInput!) {\n    completeExternalSignIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.CompleteExternalDocument,
    "\n  mutation AskReset($input: RequestPasswordResetInput!) {\n    requestPasswordReset(input: $input) {\n      sent\n      userErrors { field code message }\n    }\n  }\n": types.AskResetDocument,
    "\n  fragment LimitedAccount on Account {\n    id name sandbox messagingLimit messagingLimitUsed\n    phoneNumbers { id displayNumber verifiedName qualityRating throughput currentRate queued }\n  }\n": types.LimitedAccountFragmentDoc,
    "\n  query Home($since: Time!, $until: Time!, $timeZone: String!) {\n    campaigns(\n      first: 20\n      filter: { status: [PREPARING, RUNNING, PAUSED, SCHEDULED] }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...RunningCampaign ...PausedCampaign } }\n    }\n    accounts(first: 20) {\n      edges { node { id status ...TroubledAccount ...LimitedAccount } }\n    }\n    templates(\n      first: 10\n      filter: { status: [REJECTED, PAUSED, DISABLED] }\n      orderBy: [{ field: UPDATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...TroubledTemplate } }\n    }\n    statistics(filter: { since: $since, until: $until, timeZone: $timeZone }, interval: TOTAL) {\n      accepted delivered read failed skipped received optedOut\n      cost { amount currency }\n    }\n  }\n": types.HomeDocument,
    "\n  subscription HomeNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": types.HomeNewsDocument,
    "\n  subscription HomeArrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n": types.HomeArrivalsDocument,
    "\n  fragment RunningCampaign on Campaign {\n    id name status statusReason scheduledAt\n    progress { ...CampaignProgressFields }\n  }\n": types.RunningCampaignFragmentDoc,
    "\n  subscription FollowCampaign($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      status\n      progress { ...CampaignProgressFields }\n    }\n  }\n": types.FollowCampaignDocument,
    "\n  fragment PausedCampaign on Campaign {\n    id name status statusReason statusDetail\n  }\n": types.PausedCampaignFragmentDoc,
    "\n  fragment TroubledAccount on Account {\n    id name status statusReason tokenExpiresAt\n    health { subject title remedy severity }\n    phoneNumbers { id displayNumber qualityRating }\n  }\n": types.TroubledAccountFragmentDoc,
    "\n  fragment TroubledTemplate on Template {\n    id name language status rejectionReason\n  }\n": types.TroubledTemplateFragmentDoc,
    "\n  query Lists($after: Cursor) {\n    contactLists(first: 50, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.ListsDocument,
    "\n  mutation CreateList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id }\n      userErrors { field code message }\n    }\n  }\n": types.CreateListDocument,
    "\n  mutation RenameList($input: UpdateContactListInput!) {\n    updateContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n": types.RenameListDocument,
    "\n  mutation DeleteList($input: DeleteContactListInput!) {\n    deleteContactList(input: $input) {\n      deletedContactListId\n      userErrors { field code message }\n    }\n  }\n": types.DeleteListDocument,
    "\n  query MessagePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message {\n        direction status to from wamid text reference attempts skipReason\n        error { code title detail advice }\n        campaign { id name }\n        template { id name language }\n        phoneNumber { id displayNumber }\n        pricing { category state cost { amount currency } }\n        events { sequence status at error { code title } }\n        failedAttempts {\n          number at tookMs endpoint request httpStatus code subcode title detail traceId tryAgainAt\n        }\n      }\n    }\n  }\n": types.MessagePageDocument,
    "\n  subscription MessageEvents($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n": types.MessageEventsDocument,
    "\n  query MessageLog($filter: MessageFilter!, $after: Cursor) {\n    messages(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id direction status to from createdAt skipReason\n          error { code title advice }\n          campaign { id name }\n          template { id name }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.MessageLogDocument,
    "\n  mutation ExportMessages($input: ExportMessagesInput!) {\n    exportMessages(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": types.ExportMessagesDocument,
    "\n  mutation Reset($input: ResetPasswordInput!) {\n    resetPassword(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.ResetDocument,
    "\n  query Factor {\n    viewer {\n      mustSetUpSecondFactor\n      secondFactor { enabled enabledAt recoveryCodesLeft }\n    }\n  }\n": types.FactorDocument,
    "\n  mutation BeginFactor($input: BeginSecondFactorInput!) {\n    beginSecondFactor(input: $input) {\n      secret\n      uri\n      userErrors { field code message }\n    }\n  }\n": types.BeginFactorDocument,
    "\n  mutation ConfirmFactor($input: ConfirmSecondFactorInput!) {\n    confirmSecondFactor(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n": types.ConfirmFactorDocument,
    "\n  mutation NewCodes($input: RegenerateRecoveryCodesInput!) {\n    regenerateRecoveryCodes(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n": types.NewCodesDocument,
    "\n  mutation DisableFactor($input: DisableSecondFactorInput!) {\n    disableSecondFactor(input: $input) {\n      viewer { mustSetUpSecondFactor }\n      userErrors { field code message }\n    }\n  }\n": types.DisableFactorDocument,
    "\n  query Segments($after: Cursor) {\n    segments(first: 20, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size rule { field operator values } } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.SegmentsDocument,
    "\n  mutation CreateSegment($input: CreateSegmentInput!) {\n    createSegment(input: $input) {\n      segment { id }\n      userErrors { field code message }\n    }\n  }\n": types.CreateSegmentDocument,
    "\n  mutation UpdateSegment($input: UpdateSegmentInput!) {\n    updateSegment(input: $input) {\n      segment { id name size rule { field operator values } }\n      userErrors { field code message }\n    }\n  }\n": types.UpdateSegmentDocument,
    "\n  mutation DeleteSegment($input: DeleteSegmentInput!) {\n    deleteSegment(input: $input) {\n      deletedSegmentId\n      userErrors { field code message }\n    }\n  }\n": types.DeleteSegmentDocument,
    "\n  mutation SignIn($input: SignInInput!) {\n    signIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.SignInDocument,
    "\n  mutation SignUp($input: SignUpInput!) {\n    signUp(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.SignUpDocument,
    "\n  mutation Connect($input: ConnectAccountInput!) {\n    connectAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n": types.ConnectDocument,
    "\n  mutation ConnectSandbox($input: ConnectSandboxAccountInput!) {\n    connectSandboxAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n": types.ConnectSandboxDocument,
    "\n  mutation Example($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n": types.ExampleDocument,
    "\n  query Start {\n    viewer { mustAcceptTerms }\n    accounts(first: 20) {\n      edges {\n        node {\n          id name sandbox status webhookReceivedAt\n          phoneNumbers { id displayNumber }\n        }\n      }\n    }\n    templates(first: 20, filter: { status: [APPROVED, PENDING] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language status\n          account { id }\n          parameters { name example kind }\n        }\n      }\n    }\n    messages(first: 1, filter: { direction: OUTBOUND, status: [ACCEPTED, SENT, DELIVERED, READ] }) { edges { node { id status } } }\n    tries: messages(first: 1, filter: { direction: OUTBOUND }, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id to status error { title advice } } }\n    }\n    campaigns(first: 1, filter: { status: [SCHEDULED, PREPARING, RUNNING, PAUSED, COMPLETED] }) {\n      edges { node { id name status } }\n    }\n  }\n": types.StartDocument,
    "\n  subscription StartNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n": types.StartNewsDocument,
    "\n  subscription Arrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n": types.ArrivalsDocument,
    "\n  mutation AcceptTerms($input: AcceptTermsInput!) {\n    acceptTerms(input: $input) {\n      viewer { mustAcceptTerms }\n      userErrors { field code message }\n    }\n  }\n": types.AcceptTermsDocument,
    "\n  mutation SendTest($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      message { id status }\n      userErrors { field code message }\n    }\n  }\n": types.SendTestDocument,
    "\n  query StatisticsPage(\n    $now: StatisticsFilter!\n    $past: StatisticsFilter!\n    $by: [StatisticsDimension!]!\n  ) {\n    total: statistics(filter: $now, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    earlier: statistics(filter: $past, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    days: statistics(filter: $now, interval: DAY) {\n      start accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    groups: statistics(filter: $now, interval: TOTAL, groupBy: $by) {\n      account { id name }\n      phoneNumber { id displayNumber }\n      template { id name language }\n      campaign { id name }\n      category country errorCode\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n  }\n": types.StatisticsPageDocument,
    "\n  mutation ExportStatistics($input: ExportStatisticsInput!) {\n    exportStatistics(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n": types.ExportStatisticsDocument,
    "\n  query Suppressions($search: String, $after: Cursor) {\n    suppressions(first: 50, search: $search, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id phone reason createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.SuppressionsDocument,
    "\n  mutation AddSuppressions($input: AddSuppressionsInput!) {\n    addSuppressions(input: $input) {\n      added\n      userErrors { field code message }\n    }\n  }\n": types.AddSuppressionsDocument,
    "\n  mutation RemoveSuppression($input: RemoveSuppressionInput!) {\n    removeSuppression(input: $input) {\n      removedSuppressionId\n      userErrors { field code message }\n    }\n  }\n": types.RemoveSuppressionDocument,
    "\n  query TemplateEdit($id: ID!, $has: Boolean!) {\n    accounts(first: 50) { edges { node { id name status sandbox } } }\n    node(id: $id) @include(if: $has) {\n      __typename\n      id\n      ... on Template {\n        name language category status parameterFormat messageTtlSeconds updatedAt rejectionReason\n        account { id name }\n        components { type json }\n      }\n    }\n  }\n": types.TemplateEditDocument,
    "\n  query TemplateLook($input: TemplateInput!) {\n    lintTemplate(input: $input) { field rule message severity }\n    previewTemplate(input: $input) { ...Bubble }\n  }\n": types.TemplateLookDocument,
    "\n  mutation CreateTemplate($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": types.CreateTemplateDocument,
    "\n  mutation UpdateTemplate($input: UpdateTemplateInput!) {\n    updateTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": types.UpdateTemplateDocument,
    "\n  mutation SubmitTemplate($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n": types.SubmitTemplateDocument,
    "\n  mutation UploadExample($input: UploadMediaInput!) {\n    uploadMedia(input: $input) {\n      handle\n      userErrors { field code message }\n    }\n  }\n": types.UploadExampleDocument,
    "\n  mutation DeleteTemplate($input: DeleteTemplateInput!) {\n    deleteTemplate(input: $input) {\n      deletedTemplateIds\n      userErrors { field code message }\n    }\n  }\n": types.DeleteTemplateDocument,
    "\n  mutation DuplicateTemplate($input: DuplicateTemplateInput!) {\n    duplicateTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n": types.DuplicateTemplateDocument,
    "\n  query TemplatePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Template {\n        name language category comingCategory status rejectionReason qualityScore parameterFormat messageTtlSeconds\n        account { id name }\n        parameters { name kind example }\n        preview { ...Bubble }\n        translations { id language status }\n        history { at actor field from to reason }\n        campaigns(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n      }\n    }\n  }\n": types.TemplatePageDocument,
    "\n  subscription TemplateChanged {\n    statusChanged { __typename ... on Template { id status } }\n  }\n": types.TemplateChangedDocument,
    "\n  mutation SubmitDraft($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status rejectionReason }\n      userErrors { field code message }\n    }\n  }\n": types.SubmitDraftDocument,
    "\n  query TemplateList($filter: TemplateFilter!, $after: Cursor) {\n    templates(first: 50, after: $after, filter: $filter, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges {\n        node {\n          id name language category comingCategory status rejectionReason qualityScore updatedAt\n          account { id name }\n          campaigns(first: 3) { edges { node { id name } } pageInfo { hasNextPage } }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n": types.TemplateListDocument,
    "\n  subscription TemplateNews {\n    statusChanged { __typename ... on Template { id status } }\n  }\n": types.TemplateNewsDocument,
    "\n  mutation Verify($input: VerifyEmailInput!) {\n    verifyEmail(input: $input) {\n      user { id email emailVerifiedAt }\n      userErrors { field code message }\n    }\n  }\n": types.VerifyDocument,
    "\n  mutation AskToVerify {\n    requestEmailVerification(input: {}) {\n      sent\n      userErrors { field code message }\n    }\n  }\n": types.AskToVerifyDocument,
    "\n  fragment Bubble on TemplatePreview {\n    header body footer asksToCall\n    media { format link mediaId fileName }\n    location { name address }\n    product { productId }\n    offer { text code endsAt }\n    actions { type text }\n    cards {\n      header body\n      media { format link mediaId fileName }\n      product { productId }\n      actions { type text }\n    }\n  }\n": types.BubbleFragmentDoc,
    "\n  query ExportState($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Export { status statusReason rows fileName url }\n    }\n  }\n": types.ExportStateDocument,
    "\n  query Provider {\n    externalSignIn { name }\n  }\n": types.ProviderDocument,
    "\n  mutation BeginExternal($input: BeginExternalSignInInput!) {\n    beginExternalSignIn(input: $input) {\n      url\n      flow\n      userErrors { field code message }\n    }\n  }\n": types.BeginExternalDocument,
    "\n  mutation CreateOrganization($input: CreateOrganizationInput!) {\n    createOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.CreateOrganizationDocument,
    "\n  mutation Switch($input: SwitchOrganizationInput!) {\n    switchOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n": types.SwitchDocument,
    "\n  fragment CampaignProgressFields on CampaignProgress {\n    total queued sending accepted sent delivered read failed unknown skipped canceled\n    fraction ratePerSecond etaSeconds\n  }\n": types.CampaignProgressFieldsFragmentDoc,
    "\n  query RuleWords {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n    campaigns(first: 100, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n  }\n": types.RuleWordsDocument,
    "\n  query RuleCount($filter: ContactFilter!) {\n    contacts(first: 1, filter: $filter) { totalCount }\n  }\n": types.RuleCountDocument,
    "\n  mutation SignOut {\n    signOut {\n      signedOut\n      userErrors { field code message }\n    }\n  }\n": types.SignOutDocument,
    "\n  mutation Speak($input: UpdateUserInput!) {\n    updateUser(input: $input) {\n      user { id locale }\n      userErrors { field code message }\n    }\n  }\n": types.SpeakDocument,
    "\n  query Terms {\n    terms { version body effectiveAt }\n  }\n": types.TermsDocument,
    "\n  query TermsVersion {\n    terms { version effectiveAt }\n  }\n": types.TermsVersionDocument,
    "\n  query Viewer {\n    viewer {\n      role\n      notice\n      mustSetUpSecondFactor\n      user { id name email emailVerifiedAt locale }\n      memberships { id role organization { id name status } }\n    }\n  }\n": types.ViewerDocument,
    "\n  query Organization {\n    viewer {\n      mustAcceptTerms\n      organization { id name status statusReason suspendedUntil timeZone }\n    }\n  }\n": types.OrganizationDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Accept($input: AcceptInvitationInput!) {\n    acceptInvitation(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Accept($input: AcceptInvitationInput!) {\n    acceptInvitation(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment NumberState on PhoneNumber {\n    id displayNumber verifiedName qualityRating status throughput throughputCap currentRate queued username shared\n    phoneNumberId\n  }\n"): (typeof documents)["\n  fragment NumberState on PhoneNumber {\n    id displayNumber verifiedName qualityRating status throughput throughputCap currentRate queued username shared\n    phoneNumberId\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Accounts {\n    accounts(first: 50, orderBy: [{ field: CONNECTED_AT, direction: ASC }]) {\n      edges {\n        node {\n          id wabaId sandbox name currency status statusReason reviewStatus messagingLimit messagingLimitUsed\n          tokenExpiresAt webhookReceivedAt connectedAt syncedAt\n          health { subject code title remedy severity }\n          phoneNumbers { id ...NumberState }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query Accounts {\n    accounts(first: 50, orderBy: [{ field: CONNECTED_AT, direction: ASC }]) {\n      edges {\n        node {\n          id wabaId sandbox name currency status statusReason reviewStatus messagingLimit messagingLimitUsed\n          tokenExpiresAt webhookReceivedAt connectedAt syncedAt\n          health { subject code title remedy severity }\n          phoneNumbers { id ...NumberState }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription AccountNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"): (typeof documents)["\n  subscription AccountNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SyncAccount($input: SyncAccountInput!) {\n    syncAccount(input: $input) {\n      account { id syncedAt }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SyncAccount($input: SyncAccountInput!) {\n    syncAccount(input: $input) {\n      account { id syncedAt }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DisconnectAccount($input: DisconnectAccountInput!) {\n    disconnectAccount(input: $input) {\n      account { id status }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DisconnectAccount($input: DisconnectAccountInput!) {\n    disconnectAccount(input: $input) {\n      account { id status }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CapNumber($input: UpdatePhoneNumberInput!) {\n    updatePhoneNumber(input: $input) {\n      phoneNumber { id throughputCap }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CapNumber($input: UpdatePhoneNumberInput!) {\n    updatePhoneNumber(input: $input) {\n      phoneNumber { id throughputCap }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query NumberProfile($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on PhoneNumber { profile { about address description email websites vertical } }\n    }\n  }\n"): (typeof documents)["\n  query NumberProfile($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on PhoneNumber { profile { about address description email websites vertical } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateProfile($input: UpdateBusinessProfileInput!) {\n    updateBusinessProfile(input: $input) {\n      phoneNumber { id profile { about address description email websites vertical } }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateProfile($input: UpdateBusinessProfileInput!) {\n    updateBusinessProfile(input: $input) {\n      phoneNumber { id profile { about address description email websites vertical } }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RegisterNumber($input: RegisterPhoneNumberInput!) {\n    registerPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      pin\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation RegisterNumber($input: RegisterPhoneNumberInput!) {\n    registerPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      pin\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeregisterNumber($input: DeregisterPhoneNumberInput!) {\n    deregisterPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DeregisterNumber($input: DeregisterPhoneNumberInput!) {\n    deregisterPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RequestCode($input: RequestVerificationCodeInput!) {\n    requestVerificationCode(input: $input) {\n      phoneNumber { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation RequestCode($input: RequestVerificationCodeInput!) {\n    requestVerificationCode(input: $input) {\n      phoneNumber { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation VerifyNumber($input: VerifyPhoneNumberInput!) {\n    verifyPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation VerifyNumber($input: VerifyPhoneNumberInput!) {\n    verifyPhoneNumber(input: $input) {\n      phoneNumber { id ...NumberState }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CampaignChoices {\n    accounts(first: 20) {\n      edges { node { id name status sandbox phoneNumbers { id displayNumber verifiedName } } }\n    }\n    templates(first: 100, filter: { status: [APPROVED] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language category\n          account { id }\n          parameters { name component kind example cardIndex buttonIndex }\n          translations { id language status }\n        }\n      }\n    }\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name size } } }\n    segments(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n  }\n"): (typeof documents)["\n  query CampaignChoices {\n    accounts(first: 20) {\n      edges { node { id name status sandbox phoneNumbers { id displayNumber verifiedName } } }\n    }\n    templates(first: 100, filter: { status: [APPROVED] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language category\n          account { id }\n          parameters { name component kind example cardIndex buttonIndex }\n          translations { id language status }\n        }\n      }\n    }\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name size } } }\n    segments(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment CampaignDraft on Campaign {\n    id name status revision translate missingParameter scheduledAt timeZone recipientTime expiresAt rateLimit\n    failureThreshold\n    template { id name language }\n    phoneNumber { id }\n    audience {\n      contacts recipients\n      lists { id } segments { id } excludeLists { id } excludeSegments { id }\n      rule { field operator values }\n    }\n    parameters { parameter value contactField attribute fallback }\n    canary { size waitSeconds maxFailureRate }\n  }\n"): (typeof documents)["\n  fragment CampaignDraft on Campaign {\n    id name status revision translate missingParameter scheduledAt timeZone recipientTime expiresAt rateLimit\n    failureThreshold\n    template { id name language }\n    phoneNumber { id }\n    audience {\n      contacts recipients\n      lists { id } segments { id } excludeLists { id } excludeSegments { id }\n      rule { field operator values }\n    }\n    parameters { parameter value contactField attribute fallback }\n    canary { size waitSeconds maxFailureRate }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CampaignToEdit($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ...CampaignDraft\n    }\n  }\n"): (typeof documents)["\n  query CampaignToEdit($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ...CampaignDraft\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateCampaign($input: CreateCampaignInput!) {\n    createCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateCampaign($input: CreateCampaignInput!) {\n    createCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateCampaign($input: UpdateCampaignInput!) {\n    updateCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateCampaign($input: UpdateCampaignInput!) {\n    updateCampaign(input: $input) {\n      campaign { ...CampaignDraft }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation EstimateCampaign($input: EstimateCampaignInput!) {\n    estimateCampaign(input: $input) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        rateCard { name example }\n        skipped { reason count }\n        countries { country recipients cost { amount currency } }\n        languages { language recipients template { id name } }\n        missing { parameter count }\n        problems { field code message }\n        sample { ...Bubble }\n      }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation EstimateCampaign($input: EstimateCampaignInput!) {\n    estimateCampaign(input: $input) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        rateCard { name example }\n        skipped { reason count }\n        countries { country recipients cost { amount currency } }\n        languages { language recipients template { id name } }\n        missing { parameter count }\n        problems { field code message }\n        sample { ...Bubble }\n      }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation TestCampaign($input: TestCampaignInput!) {\n    testCampaign(input: $input) {\n      message { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation TestCampaign($input: TestCampaignInput!) {\n    testCampaign(input: $input) {\n      message { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TestedMessage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message { status to error { title advice } }\n    }\n  }\n"): (typeof documents)["\n  query TestedMessage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message { status to error { title advice } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TestNews($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n"): (typeof documents)["\n  subscription TestNews($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelCampaign($id: ID!) {\n    cancelCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CancelCampaign($id: ID!) {\n    cancelCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation EstimateQuick($id: ID!) {\n    estimateCampaign(input: { campaignId: $id }) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        skipped { reason count }\n        problems { field code message }\n      }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation EstimateQuick($id: ID!) {\n    estimateCampaign(input: { campaignId: $id }) {\n      estimate {\n        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings\n        cost { amount currency }\n        skipped { reason count }\n        problems { field code message }\n      }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Launch($id: ID!, $most: Int!) {\n    launchCampaign(input: { campaignId: $id, atMostRecipients: $most }) {\n      campaign { id status statusReason statusDetail launchedAt }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Launch($id: ID!, $most: Int!) {\n    launchCampaign(input: { campaignId: $id, atMostRecipients: $most }) {\n      campaign { id status statusReason statusDetail launchedAt }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CampaignPage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Campaign {\n        name status statusReason statusDetail scheduledAt launchedAt completedAt rateLimit\n        template { id name language }\n        phoneNumber { id displayNumber throughput }\n        progress {\n          ...CampaignProgressFields\n          cost { amount currency }\n          replied\n          skips { reason count }\n          failures { code title advice retryable count }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query CampaignPage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Campaign {\n        name status statusReason statusDetail scheduledAt launchedAt completedAt rateLimit\n        template { id name language }\n        phoneNumber { id displayNumber throughput }\n        progress {\n          ...CampaignProgressFields\n          cost { amount currency }\n          replied\n          skips { reason count }\n          failures { code title advice retryable count }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowCampaignPage($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      campaign { id status statusReason statusDetail launchedAt completedAt }\n      status\n      progress {\n        ...CampaignProgressFields\n        cost { amount currency }\n        replied\n          skips { reason count }\n          failures { code title advice retryable count }\n      }\n    }\n  }\n"): (typeof documents)["\n  subscription FollowCampaignPage($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      campaign { id status statusReason statusDetail launchedAt completedAt }\n      status\n      progress {\n        ...CampaignProgressFields\n        cost { amount currency }\n        replied\n          skips { reason count }\n          failures { code title advice retryable count }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Pause($id: ID!) {\n    pauseCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Pause($id: ID!) {\n    pauseCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Resume($id: ID!) {\n    resumeCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Resume($id: ID!) {\n    resumeCampaign(input: { campaignId: $id }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Retry($id: ID!, $codes: [Int!]) {\n    retryCampaign(input: { campaignId: $id, errorCodes: $codes }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Retry($id: ID!, $codes: [Int!]) {\n    retryCampaign(input: { campaignId: $id, errorCodes: $codes }) {\n      campaign { id status statusReason statusDetail }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query CampaignList($status: [CampaignStatus!], $search: String, $after: Cursor) {\n    campaigns(\n      first: 30\n      after: $after\n      filter: { status: $status, search: $search }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges {\n        node {\n          id name status createdAt\n          template { id name language }\n          progress { ...CampaignProgressFields }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query CampaignList($status: [CampaignStatus!], $search: String, $after: Cursor) {\n    campaigns(\n      first: 30\n      after: $after\n      filter: { status: $status, search: $search }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges {\n        node {\n          id name status createdAt\n          template { id name language }\n          progress { ...CampaignProgressFields }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription CampaignNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"): (typeof documents)["\n  subscription CampaignNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation PreviewImport($input: PreviewContactImportInput!) {\n    previewContactImport(input: $input) {\n      preview {\n        encoding delimiter rowsTotal\n        columns { column field attribute examples }\n        rows { line phone name accepted reason }\n      }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation PreviewImport($input: PreviewContactImportInput!) {\n    previewContactImport(input: $input) {\n      preview {\n        encoding delimiter rowsTotal\n        columns { column field attribute examples }\n        rows { line phone name accepted reason }\n      }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ImportContacts($input: ImportContactsInput!) {\n    importContacts(input: $input) {\n      contactImport { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ImportContacts($input: ImportContactsInput!) {\n    importContacts(input: $input) {\n      contactImport { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment ImportState on ContactImport {\n    id status statusReason fileName rowsTotal rowsRead created updated rejected createdAt finishedAt\n  }\n"): (typeof documents)["\n  fragment ImportState on ContactImport {\n    id status statusReason fileName rowsTotal rowsRead created updated rejected createdAt finishedAt\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CancelImport($input: CancelContactImportInput!) {\n    cancelContactImport(input: $input) {\n      contactImport { ...ImportState }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CancelImport($input: CancelContactImportInput!) {\n    cancelContactImport(input: $input) {\n      contactImport { ...ImportState }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ImportLists {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n"): (typeof documents)["\n  query ImportLists {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ImportNewList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ImportNewList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Imports($after: Cursor) {\n    contactImports(first: 20, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id ...ImportState } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query Imports($after: Cursor) {\n    contactImports(first: 20, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id ...ImportState } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OneImport($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on ContactImport {\n        ...ImportState\n        rejections(first: 20) { line value reason }\n        rejectedFileUrl\n      }\n    }\n  }\n"): (typeof documents)["\n  query OneImport($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on ContactImport {\n        ...ImportState\n        rejections(first: 20) { line value reason }\n        rejectedFileUrl\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription ImportProgress($id: ID!) {\n    contactImportProgress(importId: $id) { ...ImportState }\n  }\n"): (typeof documents)["\n  subscription ImportProgress($id: ID!) {\n    contactImportProgress(importId: $id) { ...ImportState }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RecordConsent($input: RecordConsentInput!) {\n    recordConsent(input: $input) {\n      contact { id marketingConsent }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation RecordConsent($input: RecordConsentInput!) {\n    recordConsent(input: $input) {\n      contact { id marketingConsent }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateContact($input: UpdateContactInput!) {\n    updateContact(input: $input) {\n      contact { id name language timeZone tags attributes { key value } lists { id name } }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateContact($input: UpdateContactInput!) {\n    updateContact(input: $input) {\n      contact { id name language timeZone tags attributes { key value } lists { id name } }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ListsOfEdit {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n"): (typeof documents)["\n  query ListsOfEdit {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation EraseContact($input: EraseContactInput!) {\n    eraseContact(input: $input) {\n      erasedContactId\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation EraseContact($input: EraseContactInput!) {\n    eraseContact(input: $input) {\n      erasedContactId\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateContact($input: CreateContactInput!) {\n    createContact(input: $input) {\n      contact { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateContact($input: CreateContactInput!) {\n    createContact(input: $input) {\n      contact { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ContactListPage($filter: ContactFilter!, $after: Cursor) {\n    contacts(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name phone waUserId country language timeZone marketingConsent suppressed tags createdAt\n          lists { id name }\n          attributes { key value }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query ContactListPage($filter: ContactFilter!, $after: Cursor) {\n    contacts(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name phone waUserId country language timeZone marketingConsent suppressed tags createdAt\n          lists { id name }\n          attributes { key value }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ExportContacts($input: ExportContactsInput!) {\n    exportContacts(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ExportContacts($input: ExportContactsInput!) {\n    exportContacts(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ContactPanel($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Contact {\n        name phone waPhone waUserId username country language timeZone tags suppressed createdAt serviceWindowClosesAt\n        marketingConsent\n        lists { id name }\n        attributes { key value }\n        consentHistory { consent saidBy saidAt source evidence }\n        messages(first: 20) {\n          edges { node { id direction status createdAt text error { title } campaign { id name } template { id name } } }\n          pageInfo { hasNextPage }\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query ContactPanel($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Contact {\n        name phone waPhone waUserId username country language timeZone tags suppressed createdAt serviceWindowClosesAt\n        marketingConsent\n        lists { id name }\n        attributes { key value }\n        consentHistory { consent saidBy saidAt source evidence }\n        messages(first: 20) {\n          edges { node { id direction status createdAt text error { title } campaign { id name } template { id name } } }\n          pageInfo { hasNextPage }\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription ContactEvents($id: ID!) {\n    deliveryEvents(filter: { contactId: $id }) { cursor events { sequence } }\n  }\n"): (typeof documents)["\n  subscription ContactEvents($id: ID!) {\n    deliveryEvents(filter: { contactId: $id }) { cursor events { sequence } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Enter($input: SignInByLinkInput!) {\n    signInByLink(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Enter($input: SignInByLinkInput!) {\n    signInByLink(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CompleteExternal($input: CompleteExternalSignInInput!) {\n    completeExternalSignIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CompleteExternal($input: CompleteExternalSignInInput!) {\n    completeExternalSignIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AskReset($input: RequestPasswordResetInput!) {\n    requestPasswordReset(input: $input) {\n      sent\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation AskReset($input: RequestPasswordResetInput!) {\n    requestPasswordReset(input: $input) {\n      sent\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment LimitedAccount on Account {\n    id name sandbox messagingLimit messagingLimitUsed\n    phoneNumbers { id displayNumber verifiedName qualityRating throughput currentRate queued }\n  }\n"): (typeof documents)["\n  fragment LimitedAccount on Account {\n    id name sandbox messagingLimit messagingLimitUsed\n    phoneNumbers { id displayNumber verifiedName qualityRating throughput currentRate queued }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Home($since: Time!, $until: Time!, $timeZone: String!) {\n    campaigns(\n      first: 20\n      filter: { status: [PREPARING, RUNNING, PAUSED, SCHEDULED] }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...RunningCampaign ...PausedCampaign } }\n    }\n    accounts(first: 20) {\n      edges { node { id status ...TroubledAccount ...LimitedAccount } }\n    }\n    templates(\n      first: 10\n      filter: { status: [REJECTED, PAUSED, DISABLED] }\n      orderBy: [{ field: UPDATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...TroubledTemplate } }\n    }\n    statistics(filter: { since: $since, until: $until, timeZone: $timeZone }, interval: TOTAL) {\n      accepted delivered read failed skipped received optedOut\n      cost { amount currency }\n    }\n  }\n"): (typeof documents)["\n  query Home($since: Time!, $until: Time!, $timeZone: String!) {\n    campaigns(\n      first: 20\n      filter: { status: [PREPARING, RUNNING, PAUSED, SCHEDULED] }\n      orderBy: [{ field: CREATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...RunningCampaign ...PausedCampaign } }\n    }\n    accounts(first: 20) {\n      edges { node { id status ...TroubledAccount ...LimitedAccount } }\n    }\n    templates(\n      first: 10\n      filter: { status: [REJECTED, PAUSED, DISABLED] }\n      orderBy: [{ field: UPDATED_AT, direction: DESC }]\n    ) {\n      edges { node { id ...TroubledTemplate } }\n    }\n    statistics(filter: { since: $since, until: $until, timeZone: $timeZone }, interval: TOTAL) {\n      accepted delivered read failed skipped received optedOut\n      cost { amount currency }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription HomeNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"): (typeof documents)["\n  subscription HomeNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription HomeArrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n"): (typeof documents)["\n  subscription HomeArrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment RunningCampaign on Campaign {\n    id name status statusReason scheduledAt\n    progress { ...CampaignProgressFields }\n  }\n"): (typeof documents)["\n  fragment RunningCampaign on Campaign {\n    id name status statusReason scheduledAt\n    progress { ...CampaignProgressFields }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription FollowCampaign($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      status\n      progress { ...CampaignProgressFields }\n    }\n  }\n"): (typeof documents)["\n  subscription FollowCampaign($id: ID!) {\n    campaignProgress(campaignId: $id) {\n      status\n      progress { ...CampaignProgressFields }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment PausedCampaign on Campaign {\n    id name status statusReason statusDetail\n  }\n"): (typeof documents)["\n  fragment PausedCampaign on Campaign {\n    id name status statusReason statusDetail\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment TroubledAccount on Account {\n    id name status statusReason tokenExpiresAt\n    health { subject title remedy severity }\n    phoneNumbers { id displayNumber qualityRating }\n  }\n"): (typeof documents)["\n  fragment TroubledAccount on Account {\n    id name status statusReason tokenExpiresAt\n    health { subject title remedy severity }\n    phoneNumbers { id displayNumber qualityRating }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment TroubledTemplate on Template {\n    id name language status rejectionReason\n  }\n"): (typeof documents)["\n  fragment TroubledTemplate on Template {\n    id name language status rejectionReason\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Lists($after: Cursor) {\n    contactLists(first: 50, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query Lists($after: Cursor) {\n    contactLists(first: 50, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateList($input: CreateContactListInput!) {\n    createContactList(input: $input) {\n      contactList { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RenameList($input: UpdateContactListInput!) {\n    updateContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation RenameList($input: UpdateContactListInput!) {\n    updateContactList(input: $input) {\n      contactList { id name }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteList($input: DeleteContactListInput!) {\n    deleteContactList(input: $input) {\n      deletedContactListId\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DeleteList($input: DeleteContactListInput!) {\n    deleteContactList(input: $input) {\n      deletedContactListId\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MessagePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message {\n        direction status to from wamid text reference attempts skipReason\n        error { code title detail advice }\n        campaign { id name }\n        template { id name language }\n        phoneNumber { id displayNumber }\n        pricing { category state cost { amount currency } }\n        events { sequence status at error { code title } }\n        failedAttempts {\n          number at tookMs endpoint request httpStatus code subcode title detail traceId tryAgainAt\n        }\n      }\n    }\n  }\n"): (typeof documents)["\n  query MessagePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Message {\n        direction status to from wamid text reference attempts skipReason\n        error { code title detail advice }\n        campaign { id name }\n        template { id name language }\n        phoneNumber { id displayNumber }\n        pricing { category state cost { amount currency } }\n        events { sequence status at error { code title } }\n        failedAttempts {\n          number at tookMs endpoint request httpStatus code subcode title detail traceId tryAgainAt\n        }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription MessageEvents($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n"): (typeof documents)["\n  subscription MessageEvents($id: ID!) {\n    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query MessageLog($filter: MessageFilter!, $after: Cursor) {\n    messages(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id direction status to from createdAt skipReason\n          error { code title advice }\n          campaign { id name }\n          template { id name }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query MessageLog($filter: MessageFilter!, $after: Cursor) {\n    messages(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id direction status to from createdAt skipReason\n          error { code title advice }\n          campaign { id name }\n          template { id name }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ExportMessages($input: ExportMessagesInput!) {\n    exportMessages(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ExportMessages($input: ExportMessagesInput!) {\n    exportMessages(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Reset($input: ResetPasswordInput!) {\n    resetPassword(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Reset($input: ResetPasswordInput!) {\n    resetPassword(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Factor {\n    viewer {\n      mustSetUpSecondFactor\n      secondFactor { enabled enabledAt recoveryCodesLeft }\n    }\n  }\n"): (typeof documents)["\n  query Factor {\n    viewer {\n      mustSetUpSecondFactor\n      secondFactor { enabled enabledAt recoveryCodesLeft }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation BeginFactor($input: BeginSecondFactorInput!) {\n    beginSecondFactor(input: $input) {\n      secret\n      uri\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation BeginFactor($input: BeginSecondFactorInput!) {\n    beginSecondFactor(input: $input) {\n      secret\n      uri\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ConfirmFactor($input: ConfirmSecondFactorInput!) {\n    confirmSecondFactor(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ConfirmFactor($input: ConfirmSecondFactorInput!) {\n    confirmSecondFactor(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation NewCodes($input: RegenerateRecoveryCodesInput!) {\n    regenerateRecoveryCodes(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation NewCodes($input: RegenerateRecoveryCodesInput!) {\n    regenerateRecoveryCodes(input: $input) {\n      recoveryCodes\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DisableFactor($input: DisableSecondFactorInput!) {\n    disableSecondFactor(input: $input) {\n      viewer { mustSetUpSecondFactor }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DisableFactor($input: DisableSecondFactorInput!) {\n    disableSecondFactor(input: $input) {\n      viewer { mustSetUpSecondFactor }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Segments($after: Cursor) {\n    segments(first: 20, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size rule { field operator values } } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query Segments($after: Cursor) {\n    segments(first: 20, after: $after, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges { node { id name size rule { field operator values } } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateSegment($input: CreateSegmentInput!) {\n    createSegment(input: $input) {\n      segment { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateSegment($input: CreateSegmentInput!) {\n    createSegment(input: $input) {\n      segment { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateSegment($input: UpdateSegmentInput!) {\n    updateSegment(input: $input) {\n      segment { id name size rule { field operator values } }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateSegment($input: UpdateSegmentInput!) {\n    updateSegment(input: $input) {\n      segment { id name size rule { field operator values } }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteSegment($input: DeleteSegmentInput!) {\n    deleteSegment(input: $input) {\n      deletedSegmentId\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DeleteSegment($input: DeleteSegmentInput!) {\n    deleteSegment(input: $input) {\n      deletedSegmentId\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignIn($input: SignInInput!) {\n    signIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SignIn($input: SignInInput!) {\n    signIn(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignUp($input: SignUpInput!) {\n    signUp(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SignUp($input: SignUpInput!) {\n    signUp(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Connect($input: ConnectAccountInput!) {\n    connectAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Connect($input: ConnectAccountInput!) {\n    connectAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ConnectSandbox($input: ConnectSandboxAccountInput!) {\n    connectSandboxAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ConnectSandbox($input: ConnectSandboxAccountInput!) {\n    connectSandboxAccount(input: $input) {\n      account { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Example($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Example($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Start {\n    viewer { mustAcceptTerms }\n    accounts(first: 20) {\n      edges {\n        node {\n          id name sandbox status webhookReceivedAt\n          phoneNumbers { id displayNumber }\n        }\n      }\n    }\n    templates(first: 20, filter: { status: [APPROVED, PENDING] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language status\n          account { id }\n          parameters { name example kind }\n        }\n      }\n    }\n    messages(first: 1, filter: { direction: OUTBOUND, status: [ACCEPTED, SENT, DELIVERED, READ] }) { edges { node { id status } } }\n    tries: messages(first: 1, filter: { direction: OUTBOUND }, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id to status error { title advice } } }\n    }\n    campaigns(first: 1, filter: { status: [SCHEDULED, PREPARING, RUNNING, PAUSED, COMPLETED] }) {\n      edges { node { id name status } }\n    }\n  }\n"): (typeof documents)["\n  query Start {\n    viewer { mustAcceptTerms }\n    accounts(first: 20) {\n      edges {\n        node {\n          id name sandbox status webhookReceivedAt\n          phoneNumbers { id displayNumber }\n        }\n      }\n    }\n    templates(first: 20, filter: { status: [APPROVED, PENDING] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {\n      edges {\n        node {\n          id name language status\n          account { id }\n          parameters { name example kind }\n        }\n      }\n    }\n    messages(first: 1, filter: { direction: OUTBOUND, status: [ACCEPTED, SENT, DELIVERED, READ] }) { edges { node { id status } } }\n    tries: messages(first: 1, filter: { direction: OUTBOUND }, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id to status error { title advice } } }\n    }\n    campaigns(first: 1, filter: { status: [SCHEDULED, PREPARING, RUNNING, PAUSED, COMPLETED] }) {\n      edges { node { id name status } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription StartNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"): (typeof documents)["\n  subscription StartNews {\n    statusChanged { __typename ... on Node { id } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Arrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n"): (typeof documents)["\n  subscription Arrivals {\n    deliveryEvents { cursor events { sequence } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AcceptTerms($input: AcceptTermsInput!) {\n    acceptTerms(input: $input) {\n      viewer { mustAcceptTerms }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation AcceptTerms($input: AcceptTermsInput!) {\n    acceptTerms(input: $input) {\n      viewer { mustAcceptTerms }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SendTest($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      message { id status }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SendTest($input: SendMessageInput!) {\n    sendMessage(input: $input) {\n      message { id status }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query StatisticsPage(\n    $now: StatisticsFilter!\n    $past: StatisticsFilter!\n    $by: [StatisticsDimension!]!\n  ) {\n    total: statistics(filter: $now, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    earlier: statistics(filter: $past, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    days: statistics(filter: $now, interval: DAY) {\n      start accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    groups: statistics(filter: $now, interval: TOTAL, groupBy: $by) {\n      account { id name }\n      phoneNumber { id displayNumber }\n      template { id name language }\n      campaign { id name }\n      category country errorCode\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n  }\n"): (typeof documents)["\n  query StatisticsPage(\n    $now: StatisticsFilter!\n    $past: StatisticsFilter!\n    $by: [StatisticsDimension!]!\n  ) {\n    total: statistics(filter: $now, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    earlier: statistics(filter: $past, interval: TOTAL) {\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    days: statistics(filter: $now, interval: DAY) {\n      start accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n    groups: statistics(filter: $now, interval: TOTAL, groupBy: $by) {\n      account { id name }\n      phoneNumber { id displayNumber }\n      template { id name language }\n      campaign { id name }\n      category country errorCode\n      accepted sent delivered read failed skipped received replied optedOut clicked deliveryRate readRate\n      cost { amount currency }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation ExportStatistics($input: ExportStatisticsInput!) {\n    exportStatistics(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation ExportStatistics($input: ExportStatisticsInput!) {\n    exportStatistics(input: $input) {\n      export { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Suppressions($search: String, $after: Cursor) {\n    suppressions(first: 50, search: $search, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id phone reason createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query Suppressions($search: String, $after: Cursor) {\n    suppressions(first: 50, search: $search, after: $after, orderBy: [{ field: CREATED_AT, direction: DESC }]) {\n      edges { node { id phone reason createdAt } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AddSuppressions($input: AddSuppressionsInput!) {\n    addSuppressions(input: $input) {\n      added\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation AddSuppressions($input: AddSuppressionsInput!) {\n    addSuppressions(input: $input) {\n      added\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation RemoveSuppression($input: RemoveSuppressionInput!) {\n    removeSuppression(input: $input) {\n      removedSuppressionId\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation RemoveSuppression($input: RemoveSuppressionInput!) {\n    removeSuppression(input: $input) {\n      removedSuppressionId\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TemplateEdit($id: ID!, $has: Boolean!) {\n    accounts(first: 50) { edges { node { id name status sandbox } } }\n    node(id: $id) @include(if: $has) {\n      __typename\n      id\n      ... on Template {\n        name language category status parameterFormat messageTtlSeconds updatedAt rejectionReason\n        account { id name }\n        components { type json }\n      }\n    }\n  }\n"): (typeof documents)["\n  query TemplateEdit($id: ID!, $has: Boolean!) {\n    accounts(first: 50) { edges { node { id name status sandbox } } }\n    node(id: $id) @include(if: $has) {\n      __typename\n      id\n      ... on Template {\n        name language category status parameterFormat messageTtlSeconds updatedAt rejectionReason\n        account { id name }\n        components { type json }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TemplateLook($input: TemplateInput!) {\n    lintTemplate(input: $input) { field rule message severity }\n    previewTemplate(input: $input) { ...Bubble }\n  }\n"): (typeof documents)["\n  query TemplateLook($input: TemplateInput!) {\n    lintTemplate(input: $input) { field rule message severity }\n    previewTemplate(input: $input) { ...Bubble }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateTemplate($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateTemplate($input: CreateTemplateInput!) {\n    createTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateTemplate($input: UpdateTemplateInput!) {\n    updateTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UpdateTemplate($input: UpdateTemplateInput!) {\n    updateTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubmitTemplate($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitTemplate($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status updatedAt }\n      problems { field message severity }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UploadExample($input: UploadMediaInput!) {\n    uploadMedia(input: $input) {\n      handle\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation UploadExample($input: UploadMediaInput!) {\n    uploadMedia(input: $input) {\n      handle\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DeleteTemplate($input: DeleteTemplateInput!) {\n    deleteTemplate(input: $input) {\n      deletedTemplateIds\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DeleteTemplate($input: DeleteTemplateInput!) {\n    deleteTemplate(input: $input) {\n      deletedTemplateIds\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation DuplicateTemplate($input: DuplicateTemplateInput!) {\n    duplicateTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation DuplicateTemplate($input: DuplicateTemplateInput!) {\n    duplicateTemplate(input: $input) {\n      template { id }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TemplatePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Template {\n        name language category comingCategory status rejectionReason qualityScore parameterFormat messageTtlSeconds\n        account { id name }\n        parameters { name kind example }\n        preview { ...Bubble }\n        translations { id language status }\n        history { at actor field from to reason }\n        campaigns(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n      }\n    }\n  }\n"): (typeof documents)["\n  query TemplatePage($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Template {\n        name language category comingCategory status rejectionReason qualityScore parameterFormat messageTtlSeconds\n        account { id name }\n        parameters { name kind example }\n        preview { ...Bubble }\n        translations { id language status }\n        history { at actor field from to reason }\n        campaigns(first: 20, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n      }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TemplateChanged {\n    statusChanged { __typename ... on Template { id status } }\n  }\n"): (typeof documents)["\n  subscription TemplateChanged {\n    statusChanged { __typename ... on Template { id status } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SubmitDraft($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status rejectionReason }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SubmitDraft($input: SubmitTemplateInput!) {\n    submitTemplate(input: $input) {\n      template { id status rejectionReason }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TemplateList($filter: TemplateFilter!, $after: Cursor) {\n    templates(first: 50, after: $after, filter: $filter, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges {\n        node {\n          id name language category comingCategory status rejectionReason qualityScore updatedAt\n          account { id name }\n          campaigns(first: 3) { edges { node { id name } } pageInfo { hasNextPage } }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"): (typeof documents)["\n  query TemplateList($filter: TemplateFilter!, $after: Cursor) {\n    templates(first: 50, after: $after, filter: $filter, orderBy: [{ field: NAME, direction: ASC }]) {\n      edges {\n        node {\n          id name language category comingCategory status rejectionReason qualityScore updatedAt\n          account { id name }\n          campaigns(first: 3) { edges { node { id name } } pageInfo { hasNextPage } }\n        }\n      }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription TemplateNews {\n    statusChanged { __typename ... on Template { id status } }\n  }\n"): (typeof documents)["\n  subscription TemplateNews {\n    statusChanged { __typename ... on Template { id status } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Verify($input: VerifyEmailInput!) {\n    verifyEmail(input: $input) {\n      user { id email emailVerifiedAt }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Verify($input: VerifyEmailInput!) {\n    verifyEmail(input: $input) {\n      user { id email emailVerifiedAt }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation AskToVerify {\n    requestEmailVerification(input: {}) {\n      sent\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation AskToVerify {\n    requestEmailVerification(input: {}) {\n      sent\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment Bubble on TemplatePreview {\n    header body footer asksToCall\n    media { format link mediaId fileName }\n    location { name address }\n    product { productId }\n    offer { text code endsAt }\n    actions { type text }\n    cards {\n      header body\n      media { format link mediaId fileName }\n      product { productId }\n      actions { type text }\n    }\n  }\n"): (typeof documents)["\n  fragment Bubble on TemplatePreview {\n    header body footer asksToCall\n    media { format link mediaId fileName }\n    location { name address }\n    product { productId }\n    offer { text code endsAt }\n    actions { type text }\n    cards {\n      header body\n      media { format link mediaId fileName }\n      product { productId }\n      actions { type text }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query ExportState($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Export { status statusReason rows fileName url }\n    }\n  }\n"): (typeof documents)["\n  query ExportState($id: ID!) {\n    node(id: $id) {\n      __typename\n      id\n      ... on Export { status statusReason rows fileName url }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Provider {\n    externalSignIn { name }\n  }\n"): (typeof documents)["\n  query Provider {\n    externalSignIn { name }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation BeginExternal($input: BeginExternalSignInInput!) {\n    beginExternalSignIn(input: $input) {\n      url\n      flow\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation BeginExternal($input: BeginExternalSignInInput!) {\n    beginExternalSignIn(input: $input) {\n      url\n      flow\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateOrganization($input: CreateOrganizationInput!) {\n    createOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation CreateOrganization($input: CreateOrganizationInput!) {\n    createOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Switch($input: SwitchOrganizationInput!) {\n    switchOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Switch($input: SwitchOrganizationInput!) {\n    switchOrganization(input: $input) {\n      token\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  fragment CampaignProgressFields on CampaignProgress {\n    total queued sending accepted sent delivered read failed unknown skipped canceled\n    fraction ratePerSecond etaSeconds\n  }\n"): (typeof documents)["\n  fragment CampaignProgressFields on CampaignProgress {\n    total queued sending accepted sent delivered read failed unknown skipped canceled\n    fraction ratePerSecond etaSeconds\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RuleWords {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n    campaigns(first: 100, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n  }\n"): (typeof documents)["\n  query RuleWords {\n    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }\n    attributeKeys { key contacts examples }\n    campaigns(first: 100, orderBy: [{ field: CREATED_AT, direction: DESC }]) { edges { node { id name status } } }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query RuleCount($filter: ContactFilter!) {\n    contacts(first: 1, filter: $filter) { totalCount }\n  }\n"): (typeof documents)["\n  query RuleCount($filter: ContactFilter!) {\n    contacts(first: 1, filter: $filter) { totalCount }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation SignOut {\n    signOut {\n      signedOut\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation SignOut {\n    signOut {\n      signedOut\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation Speak($input: UpdateUserInput!) {\n    updateUser(input: $input) {\n      user { id locale }\n      userErrors { field code message }\n    }\n  }\n"): (typeof documents)["\n  mutation Speak($input: UpdateUserInput!) {\n    updateUser(input: $input) {\n      user { id locale }\n      userErrors { field code message }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Terms {\n    terms { version body effectiveAt }\n  }\n"): (typeof documents)["\n  query Terms {\n    terms { version body effectiveAt }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query TermsVersion {\n    terms { version effectiveAt }\n  }\n"): (typeof documents)["\n  query TermsVersion {\n    terms { version effectiveAt }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Viewer {\n    viewer {\n      role\n      notice\n      mustSetUpSecondFactor\n      user { id name email emailVerifiedAt locale }\n      memberships { id role organization { id name status } }\n    }\n  }\n"): (typeof documents)["\n  query Viewer {\n    viewer {\n      role\n      notice\n      mustSetUpSecondFactor\n      user { id name email emailVerifiedAt locale }\n      memberships { id role organization { id name status } }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Organization {\n    viewer {\n      mustAcceptTerms\n      organization { id name status statusReason suspendedUntil timeZone }\n    }\n  }\n"): (typeof documents)["\n  query Organization {\n    viewer {\n      mustAcceptTerms\n      organization { id name status statusReason suspendedUntil timeZone }\n    }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;