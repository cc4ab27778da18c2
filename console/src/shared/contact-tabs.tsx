import { useLingui } from '@lingui/react/macro';
import { Link } from '@tanstack/react-router';
import styles from './tabs.module.css';

// ContactTabs leads to what belongs to people.
export const ContactTabs = () => {
  const { t } = useLingui();
  const tabs = [
    { to: '/contacts', label: t`All contacts` },
    { to: '/lists', label: t`Lists` },
    { to: '/segments', label: t`Segments` },
    { to: '/suppressions', label: t`Suppression list` },
    { to: '/contacts/import', label: t`Import` },
  ];
  return (
    <nav className={styles.tabs} aria-label={t`Contacts`}>
      {tabs.map(({ to, label }) => (
        <Link key={to} to={to} activeOptions={{ exact: true, includeSearch: false }} className={styles.tab}>
          {label}
        </Link>
      ))}
    </nav>
  );
};
