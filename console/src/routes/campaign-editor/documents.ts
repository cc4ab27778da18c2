import { graphql } from '../../shared/graphql';

export const ChoicesDocument = graphql(`
  query CampaignChoices {
    accounts(first: 20) {
      edges { node { id name status sandbox phoneNumbers { id displayNumber verifiedName } } }
    }
    templates(first: 100, filter: { status: [APPROVED] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
      edges {
        node {
          id name language category
          account { id }
          parameters { name component kind example cardIndex buttonIndex }
          translations { id language status }
        }
      }
    }
    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name size } } }
    segments(first: 50, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }
    attributeKeys { key contacts examples }
  }
`);

export const CampaignFragment = graphql(`
  fragment CampaignDraft on Campaign {
    id name status revision translate missingParameter scheduledAt timeZone recipientTime expiresAt rateLimit
    failureThreshold
    template { id name language }
    phoneNumber { id }
    audience {
      contacts recipients
      lists { id } segments { id } excludeLists { id } excludeSegments { id }
      rule { field operator values }
    }
    parameters { parameter value contactField attribute fallback }
    canary { size waitSeconds maxFailureRate }
  }
`);

export const CampaignDocument = graphql(`
  query CampaignToEdit($id: ID!) {
    node(id: $id) {
      __typename
      id
      ...CampaignDraft
    }
  }
`);

export const CreateDocument = graphql(`
  mutation CreateCampaign($input: CreateCampaignInput!) {
    createCampaign(input: $input) {
      campaign { ...CampaignDraft }
      userErrors { field code message }
    }
  }
`);

export const UpdateDocument = graphql(`
  mutation UpdateCampaign($input: UpdateCampaignInput!) {
    updateCampaign(input: $input) {
      campaign { ...CampaignDraft }
      userErrors { field code message }
    }
  }
`);

export const EstimateDocument = graphql(`
  mutation EstimateCampaign($input: EstimateCampaignInput!) {
    estimateCampaign(input: $input) {
      estimate {
        recipients durationSeconds messagingLimitRemaining messagingLimitDays warnings
        cost { amount currency }
        rateCard { name example }
        skipped { reason count }
        countries { country recipients cost { amount currency } }
        languages { language recipients template { id name } }
        missing { parameter count }
        problems { field code message }
        sample { ...Bubble }
      }
      userErrors { field code message }
    }
  }
`);

export const TestDocument = graphql(`
  mutation TestCampaign($input: TestCampaignInput!) {
    testCampaign(input: $input) {
      message { id }
      userErrors { field code message }
    }
  }
`);

export const TestedDocument = graphql(`
  query TestedMessage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Message { status to error { title advice } }
    }
  }
`);

export const TestNewsDocument = graphql(`
  subscription TestNews($id: ID!) {
    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }
  }
`);
