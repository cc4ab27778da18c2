import { Trans, useLingui } from '@lingui/react/macro';
import { ActionIcon, Group } from '@mantine/core';
import { Link, Outlet, useLocation, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { Banners } from './banners';
import { line } from './client';
import { Brand } from './frame';
import { graphql } from './graphql';
import { language, languageOf, speak } from './i18n';
import { Icon, type IconName } from './icons';
import { MenuButton } from './menu';
import { Organizations } from './organizations';
import { session } from './session';
import styles from './shell.module.css';
import { useStore } from './store';
import { LanguageMenu, SchemeButton } from './switches';
import { Lines, Trouble } from './ui';
import { type Me, MeContext, OrganizationDocument, ViewerDocument } from './viewer';

const SignOutDocument = graphql(`
  mutation SignOut {
    signOut {
      signedOut
      userErrors { field code message }
    }
  }
`);

const SideDrawer = lazy(() => import('./side-drawer'));

const Navigation = ({ onGo }: { onGo?: () => void }) => {
  const { t } = useLingui();
  const places: { to: string; icon: IconName; label: string }[] = [
    { to: '/', icon: 'home', label: t`Home` },
    { to: '/campaigns', icon: 'send', label: t`Campaigns` },
    { to: '/templates', icon: 'template', label: t`Templates` },
    { to: '/contacts', icon: 'people', label: t`Contacts` },
    { to: '/messages', icon: 'reply', label: t`Messages` },
    { to: '/statistics', icon: 'chart', label: t`Statistics` },
    { to: '/accounts', icon: 'phone', label: t`Accounts and numbers` },
    { to: '/start', icon: 'list', label: t`Getting started` },
    { to: '/second-factor', icon: 'shield', label: t`Second factor` },
  ];
  return (
    <nav className={styles.nav} aria-label={t`Main`}>
      {places.map(({ to, icon, label }) => (
        <Link key={to} to={to} activeOptions={{ exact: to === '/' }} className={styles.link} onClick={onGo}>
          <Icon name={icon} />
          {label}
        </Link>
      ))}
      <a href="/graphiql" target="_blank" rel="noreferrer" className={styles.link}>
        <Icon name="code" />
        GraphiQL
      </a>
    </nav>
  );
};

const UserMenu = ({ me }: { me: Me }) => {
  const { t } = useLingui();
  const client = useClient();
  const navigate = useNavigate();
  const leave = async () => {
    await client.mutation(SignOutDocument, {}).toPromise();
    session.set(null);
    await navigate({ to: '/sign-in' });
  };
  return (
    <MenuButton
      variant="subtle"
      color="gray"
      size="compact-sm"
      rightSection={<Icon name="chevron" size={14} />}
      entries={[
        { label: me.user.email },
        { label: t`Second factor`, icon: <Icon name="shield" />, act: () => navigate({ to: '/second-factor' }) },
        { label: t`Sign out`, icon: <Icon name="out" />, act: leave },
      ]}
    >
      {me.user.name}
    </MenuButton>
  );
};

// Shell is what stands around every page inside: where one can go, in which organization one is,
// and what everybody has to know.
export const Shell = () => {
  const { t } = useLingui();
  const [open, setOpen] = useState(false);
  const down = useStore(line) === 'down';
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const [who, again] = useQuery({ query: ViewerDocument });
  const viewer = who.data?.viewer;
  const narrowed = viewer?.mustSetUpSecondFactor ?? true;
  const [where] = useQuery({ query: OrganizationDocument, pause: !viewer || narrowed });
  const organization = where.data?.viewer?.organization;

  const user = viewer?.user;
  const locale = user?.locale;
  const heard = useRef<string>(undefined);
  useEffect(() => {
    if (!locale || heard.current === locale) return;
    heard.current = locale;
    const chosen = languageOf([locale]);
    if (chosen !== language.get()) void speak(chosen);
  }, [locale]);

  useEffect(() => {
    if (viewer?.mustSetUpSecondFactor && pathname !== '/second-factor') void navigate({ to: '/second-factor' });
  }, [viewer?.mustSetUpSecondFactor, pathname, navigate]);

  const me = useMemo<Me | null>(() => {
    if (!viewer || !user || (!narrowed && !organization)) return null;
    return {
      role: viewer.role,
      user,
      organization: { id: organization?.id ?? '', name: organization?.name ?? '' },
      zone: organization?.timeZone ?? 'UTC',
    };
  }, [viewer, user, organization, narrowed]);

  const trouble = who.error ?? where.error;
  return (
    <MeContext value={me}>
      <a className="skip" href="#main">
        <Trans>Skip to the content</Trans>
      </a>
      <div className={styles.shell}>
        <aside className={styles.side}>
          <Brand />
          {me && <Organizations memberships={viewer?.memberships ?? []} />}
          <Navigation />
        </aside>
        <section className={styles.bar} aria-label={t`You and your settings`}>
          <Group gap="xs" wrap="nowrap">
            <ActionIcon
              className={styles.small}
              variant="subtle"
              color="gray"
              aria-label={t`Menu`}
              onClick={() => setOpen(true)}
            >
              <Icon name="menu" size={22} />
            </ActionIcon>
          </Group>
          <Group gap={4} wrap="nowrap">
            <LanguageMenu name={user?.name} />
            <SchemeButton />
            {me && <UserMenu me={me} />}
          </Group>
        </section>
        <main id="main" className={styles.main} tabIndex={-1}>
          {me && (
            <Banners
              viewer={viewer ?? null}
              organization={organization}
              mustAcceptTerms={where.data?.viewer?.mustAcceptTerms}
            />
          )}
          {me ? <Outlet /> : trouble ? <Trouble error={trouble} again={() => again()} /> : <Lines count={6} />}
        </main>
      </div>
      {open && (
        <Suspense>
          <SideDrawer onClose={() => setOpen(false)}>
            {me && <Organizations memberships={viewer?.memberships ?? []} />}
            <Navigation onGo={() => setOpen(false)} />
          </SideDrawer>
        </Suspense>
      )}
      {down && (
        <div className={styles.down} role="status">
          <Trans>The service does not answer. What you see may be old; it goes on by itself.</Trans>
        </div>
      )}
    </MeContext>
  );
};
