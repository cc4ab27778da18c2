import { Group, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import mark from '../icon.svg';
import styles from './frame.module.css';
import { LanguageMenu, SchemeButton } from './switches';

export const Brand = () => (
  <a href="/" className={styles.brand}>
    <img src={mark} alt="" width={24} height={24} />
    Carillon
  </a>
);

// Frame is a page for who is not signed in.
export const Frame = ({ title, wide = false, children }: { title: string; wide?: boolean; children: ReactNode }) => {
  useEffect(() => {
    document.title = `${title} · Carillon`;
  }, [title]);
  return (
    <div className={styles.frame}>
      <header className={`${styles.top} ${wide ? styles.wide : ''}`}>
        <Brand />
        <Group gap={4} wrap="nowrap">
          <LanguageMenu />
          <SchemeButton />
        </Group>
      </header>
      <main className={`${styles.card} ${wide ? styles.wide : ''}`}>
        <Title order={1}>{title}</Title>
        {children}
      </main>
    </div>
  );
};
