import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import type {
  CampaignStatus,
  MessageStatus,
  StatisticsDimension,
  TemplateCategory,
  TemplateStatus,
} from './graphql/graphql';
import { NotFound } from './routes/not-found/page';
import { Broken } from './shared/broken';
import type { Condition } from './shared/conditions';
import { pathOf, session } from './shared/session';
import { Shell } from './shared/shell';

const root = createRootRoute({ notFoundComponent: NotFound });

type MessageSearch = { status?: MessageStatus; campaign?: string; find?: string; after?: string };

type TemplateSearch = { status?: TemplateStatus; category?: TemplateCategory; search?: string };

// texts keeps those words of an address that a page knows.
const texts =
  <S,>(...names: (keyof S & string)[]) =>
  (search: Record<string, unknown>): S =>
    Object.fromEntries(
      names.flatMap(name => (typeof search[name] === 'string' && search[name] ? [[name, search[name]]] : [])),
    ) as S;

type Next = { next?: string };
const nextOf = ({ next }: Record<string, unknown>): Next => {
  const path = pathOf(next);
  return path ? { next: path } : {};
};

// Who is signed in already goes on to where the link leads.
const strangersOnly = ({ search }: { search: Next }) => {
  if (session.get()) throw redirect({ to: search.next ?? '/' });
};

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: nextOf,
  beforeLoad: strangersOnly,
  component: lazyRouteComponent(() => import('./routes/sign-in/page')),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: '/sign-up',
  validateSearch: nextOf,
  beforeLoad: strangersOnly,
  component: lazyRouteComponent(() => import('./routes/sign-up/page')),
});

const open = [
  createRoute({
    getParentRoute: () => root,
    path: '/forgot-password',
    component: lazyRouteComponent(() => import('./routes/forgot-password/page')),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/reset-password',
    component: lazyRouteComponent(() => import('./routes/reset-password/page')),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/verify-email',
    component: lazyRouteComponent(() => import('./routes/verify-email/page')),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/accept-invitation',
    component: lazyRouteComponent(() => import('./routes/accept-invitation/page')),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/enter',
    component: lazyRouteComponent(() => import('./routes/enter/page')),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/terms',
    component: lazyRouteComponent(() => import('./routes/terms/page')),
  }),
];

const external = createRoute({
  getParentRoute: () => root,
  path: '/external-sign-in',
  validateSearch: ({ code, state, error }: Record<string, unknown>) => ({
    ...(code === undefined ? {} : { code: String(code) }),
    ...(state === undefined ? {} : { state: String(state) }),
    ...(error === undefined ? {} : { error: String(error) }),
  }),
  component: lazyRouteComponent(() => import('./routes/external-sign-in/page')),
});

// Everything below needs a session. Who has none signs in, and is where they wanted to be.
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: ({ location }) => {
    if (!session.get())
      throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } });
  },
  component: Shell,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./routes/home/page')),
});

const start = createRoute({
  getParentRoute: () => inside,
  path: '/start',
  component: lazyRouteComponent(() => import('./routes/start/page')),
});

const factor = createRoute({
  getParentRoute: () => inside,
  path: '/second-factor',
  component: lazyRouteComponent(() => import('./routes/second-factor/page')),
});

const campaigns = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns',
  validateSearch: ({ status, search }: Record<string, unknown>): { status?: CampaignStatus; search?: string } => ({
    ...(typeof status === 'string' && /^[A-Z]+$/.test(status) ? { status: status as CampaignStatus } : {}),
    ...(typeof search === 'string' && search ? { search } : {}),
  }),
  component: lazyRouteComponent(() => import('./routes/campaigns/page')),
});

const campaign = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns/$id',
  component: lazyRouteComponent(() => import('./routes/campaign/page')),
});

const campaignEditor = lazyRouteComponent(() => import('./routes/campaign-editor/page'));
const campaignNew = createRoute({ getParentRoute: () => inside, path: '/campaigns/new', component: campaignEditor });
const campaignEdit = createRoute({
  getParentRoute: () => inside,
  path: '/campaigns/$id/edit',
  component: campaignEditor,
});

const messages = createRoute({
  getParentRoute: () => inside,
  path: '/messages',
  validateSearch: texts<MessageSearch>('status', 'campaign', 'find', 'after'),
  component: lazyRouteComponent(() => import('./routes/messages/page')),
});

const message = createRoute({
  getParentRoute: () => inside,
  path: '/messages/$id',
  component: lazyRouteComponent(() => import('./routes/message/page')),
});

const templates = createRoute({
  getParentRoute: () => inside,
  path: '/templates',
  validateSearch: texts<TemplateSearch>('status', 'category', 'search'),
  component: lazyRouteComponent(() => import('./routes/templates/page')),
});

const template = createRoute({
  getParentRoute: () => inside,
  path: '/templates/$id',
  component: lazyRouteComponent(() => import('./routes/template/page')),
});

const editor = lazyRouteComponent(() => import('./routes/template-editor/page'));
const templateNew = createRoute({ getParentRoute: () => inside, path: '/templates/new', component: editor });
const templateEdit = createRoute({ getParentRoute: () => inside, path: '/templates/$id/edit', component: editor });

type ContactSearch = { find?: string; rule?: Condition[]; open?: string };

const contacts = createRoute({
  getParentRoute: () => inside,
  path: '/contacts',
  validateSearch: (search: Record<string, unknown>): ContactSearch => {
    const rule = Array.isArray(search.rule) ? { rule: search.rule } : {}; // the page looks at what is in it
    return { ...texts<ContactSearch>('find', 'open')(search), ...rule };
  },
  component: lazyRouteComponent(() => import('./routes/contacts/page')),
});

const contactImport = createRoute({
  getParentRoute: () => inside,
  path: '/contacts/import',
  validateSearch: texts<{ id?: string }>('id'),
  component: lazyRouteComponent(() => import('./routes/contact-import/page')),
});

type StatisticsSearch = { days?: string; by?: StatisticsDimension };

const statistics = createRoute({
  getParentRoute: () => inside,
  path: '/statistics',
  validateSearch: ({ days, by }: Record<string, unknown>): StatisticsSearch => ({
    ...(['1', '7', '30', '90'].includes(String(days)) ? { days: String(days) } : {}),
    ...(typeof by === 'string' && /^[A-Z_]+$/.test(by) ? { by: by as StatisticsDimension } : {}),
  }),
  component: lazyRouteComponent(() => import('./routes/statistics/page')),
});

const plainPages = [
  createRoute({
    getParentRoute: () => inside,
    path: '/lists',
    component: lazyRouteComponent(() => import('./routes/lists/page')),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/accounts',
    component: lazyRouteComponent(() => import('./routes/accounts/page')),
  }),
  createRoute({
    getParentRoute: () => inside,
    path: '/segments',
    component: lazyRouteComponent(() => import('./routes/segments/page')),
  }),
] as const;

const suppressions = createRoute({
  getParentRoute: () => inside,
  path: '/suppressions',
  validateSearch: texts<{ find?: string }>('find'),
  component: lazyRouteComponent(() => import('./routes/suppressions/page')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    signUp,
    ...open,
    external,
    inside.addChildren([
      home,
      start,
      factor,
      campaigns,
      campaign,
      campaignNew,
      campaignEdit,
      messages,
      message,
      templates,
      template,
      templateNew,
      templateEdit,
      contacts,
      contactImport,
      ...plainPages,
      suppressions,
      statistics,
    ]),
  ]),
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  defaultErrorComponent: Broken,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
