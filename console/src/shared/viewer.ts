import { createContext, useContext } from 'react';
import type { ViewerQuery } from '../graphql/graphql';
import { graphql } from './graphql';

export const ViewerDocument = graphql(`
  query Viewer {
    viewer {
      role
      notice
      mustSetUpSecondFactor
      user { id name email emailVerifiedAt locale }
      memberships { id role organization { id name status } }
    }
  }
`);

// What who has yet to set up a second factor may not see.
export const OrganizationDocument = graphql(`
  query Organization {
    viewer {
      mustAcceptTerms
      organization { id name status statusReason suspendedUntil timeZone }
    }
  }
`);

export type Role = 'VIEWER' | 'CAMPAIGNER' | 'ADMIN' | 'OWNER';
const order: Role[] = ['VIEWER', 'CAMPAIGNER', 'ADMIN', 'OWNER'];

// may is whether a role includes another.
export const may = (role: Role, needed: Role) => order.indexOf(role) >= order.indexOf(needed);

export type Me = {
  role: Role;
  user: NonNullable<NonNullable<ViewerQuery['viewer']>['user']>;
  organization: { id: string; name: string };
  zone: string; // the organization's
};

export const MeContext = createContext<Me | null>(null);

// useMe is who is signed in; every page inside has somebody.
export const useMe = (): Me => {
  const me = useContext(MeContext);
  if (!me) throw new Error('no one is signed in here');
  return me;
};

export const useMay = (needed: Role) => may(useMe().role, needed);
