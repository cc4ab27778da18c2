import { graphql } from './graphql';

export const ProgressFragment = graphql(`
  fragment CampaignProgressFields on CampaignProgress {
    total queued sending accepted sent delivered read failed unknown skipped canceled
    fraction ratePerSecond etaSeconds
  }
`);
