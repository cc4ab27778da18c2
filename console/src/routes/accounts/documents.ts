import { graphql } from '../../shared/graphql';

export const NumberFragment = graphql(`
  fragment NumberState on PhoneNumber {
    id displayNumber verifiedName qualityRating status throughput throughputCap currentRate queued username shared
    phoneNumberId
  }
`);

export const AccountsDocument = graphql(`
  query Accounts {
    accounts(first: 50, orderBy: [{ field: CONNECTED_AT, direction: ASC }]) {
      edges {
        node {
          id wabaId sandbox name currency status statusReason reviewStatus messagingLimit messagingLimitUsed
          tokenExpiresAt webhookReceivedAt connectedAt syncedAt
          health { subject code title remedy severity }
          phoneNumbers { id ...NumberState }
        }
      }
    }
  }
`);

export const AccountNewsDocument = graphql(`
  subscription AccountNews {
    statusChanged { __typename ... on Node { id } }
  }
`);

export const SyncDocument = graphql(`
  mutation SyncAccount($input: SyncAccountInput!) {
    syncAccount(input: $input) {
      account { id syncedAt }
      userErrors { field code message }
    }
  }
`);

export const DisconnectDocument = graphql(`
  mutation DisconnectAccount($input: DisconnectAccountInput!) {
    disconnectAccount(input: $input) {
      account { id status }
      userErrors { field code message }
    }
  }
`);

export const CapDocument = graphql(`
  mutation CapNumber($input: UpdatePhoneNumberInput!) {
    updatePhoneNumber(input: $input) {
      phoneNumber { id throughputCap }
      userErrors { field code message }
    }
  }
`);

export const ProfileDocument = graphql(`
  query NumberProfile($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on PhoneNumber { profile { about address description email websites vertical } }
    }
  }
`);

export const UpdateProfileDocument = graphql(`
  mutation UpdateProfile($input: UpdateBusinessProfileInput!) {
    updateBusinessProfile(input: $input) {
      phoneNumber { id profile { about address description email websites vertical } }
      userErrors { field code message }
    }
  }
`);

export const RegisterDocument = graphql(`
  mutation RegisterNumber($input: RegisterPhoneNumberInput!) {
    registerPhoneNumber(input: $input) {
      phoneNumber { id ...NumberState }
      pin
      userErrors { field code message }
    }
  }
`);

export const DeregisterDocument = graphql(`
  mutation DeregisterNumber($input: DeregisterPhoneNumberInput!) {
    deregisterPhoneNumber(input: $input) {
      phoneNumber { id ...NumberState }
      userErrors { field code message }
    }
  }
`);

export const CodeDocument = graphql(`
  mutation RequestCode($input: RequestVerificationCodeInput!) {
    requestVerificationCode(input: $input) {
      phoneNumber { id }
      userErrors { field code message }
    }
  }
`);

export const VerifyDocument = graphql(`
  mutation VerifyNumber($input: VerifyPhoneNumberInput!) {
    verifyPhoneNumber(input: $input) {
      phoneNumber { id ...NumberState }
      userErrors { field code message }
    }
  }
`);
