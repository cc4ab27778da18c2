import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import styles from './virtual.module.css';

type Props<N> = {
  label: string;
  nodes: readonly N[];
  keyOf: (node: N) => string;
  children: (node: N) => ReactNode;
  height?: number; // of a row, before it is measured, in pixels
  more: boolean;
  load: () => unknown;
};

const ahead = 15; // rows before the end at which the next page is asked for

// VirtualRows is a list of which only what is seen is drawn; it grows as one scrolls.
export function VirtualRows<N>({ label, nodes, keyOf, children, height = 56, more, load }: Props<N>) {
  const list = useRef<HTMLUListElement>(null);
  const [offset, setOffset] = useState(0);
  // What stands above may have changed.
  useLayoutEffect(() => {
    const top = list.current ? list.current.getBoundingClientRect().top + window.scrollY : 0;
    if (Math.abs(top - offset) > 1) setOffset(top);
  });
  const rows = useWindowVirtualizer({
    count: nodes.length,
    estimateSize: () => height,
    overscan: 10,
    scrollMargin: offset,
    getItemKey: index => keyOf(nodes[index] as N),
  });
  const items = rows.getVirtualItems();
  const last = items[items.length - 1]?.index ?? 0;
  useEffect(() => {
    if (more && last >= nodes.length - ahead) void load();
  }, [last, more, nodes.length, load]);

  return (
    <ul ref={list} className={styles.list} style={{ height: rows.getTotalSize() }} aria-label={label}>
      {items.map(item => (
        <li
          key={item.key}
          ref={rows.measureElement}
          data-index={item.index}
          aria-posinset={item.index + 1}
          aria-setsize={more ? -1 : nodes.length}
          className={styles.row}
          style={{ transform: `translateY(${item.start - offset}px)` }}
        >
          {children(nodes[item.index] as N)}
        </li>
      ))}
    </ul>
  );
}
