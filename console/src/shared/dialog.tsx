import { lazy, type ReactNode, Suspense } from 'react';

const Open = lazy(() => import('./dialog-open'));

export type DialogProps = { title: string; onClose: () => void; children: ReactNode };

// Dialog asks or tells something above the page. What draws it is loaded with the first one.
export const Dialog = (props: DialogProps) => (
  <Suspense>
    <Open {...props} />
  </Suspense>
);
