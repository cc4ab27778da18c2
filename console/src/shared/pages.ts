import type { AnyVariables, TypedDocumentNode } from '@urql/core';
import { useCallback, useRef, useState } from 'react';
import { useClient } from 'urql';
import { useLiveQuery } from './live';

type Connection<N> = {
  edges: readonly { node: N }[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
};

type More<N> = { of: string; nodes: N[]; pageInfo: Connection<N>['pageInfo'] | undefined };

// joined are the nodes of two pages, each once: what moved while one read stands where it is now.
export const joined = <N extends { id: string }>(first: readonly N[], more: readonly N[]): N[] => {
  const seen = new Set(first.map(node => node.id));
  return [...first, ...more.filter(node => !seen.has(node.id) && seen.add(node.id))];
};

// usePages reads a list by cursor: the first page, which news read anew, and others as they are
// asked for. Other variables are another list.
export const usePages = <D, V extends AnyVariables, N extends { id: string }>(o: {
  query: TypedDocumentNode<D, V>;
  variables: V;
  of: (data: D) => Connection<N>;
  pause?: boolean;
}) => {
  const client = useClient();
  const key = JSON.stringify(o.variables);
  const [{ data, error, fetching, stale }, again] = useLiveQuery({
    query: o.query,
    variables: o.variables,
    pause: o.pause ?? false,
  });
  const [kept, setKept] = useState<More<N>>({ of: key, nodes: [], pageInfo: undefined });
  const more: More<N> = kept.of === key ? kept : { of: key, nodes: [], pageInfo: undefined };
  const loading = useRef(false);

  const first = data ? o.of(data) : undefined;
  const info = more.pageInfo ?? first?.pageInfo;
  const latest = useRef({ o, more, info, key });
  latest.current = { o, more, info, key };

  const load = useCallback(async () => {
    const now = latest.current;
    if (loading.current || !now.info?.hasNextPage) return;
    loading.current = true;
    const next = await client
      .query(now.o.query, { ...now.o.variables, after: now.info.endCursor } as V, { requestPolicy: 'network-only' })
      .toPromise();
    loading.current = false;
    if (!next.data || latest.current.key !== now.key) return;
    const page = now.o.of(next.data);
    setKept({
      of: now.key,
      nodes: [...now.more.nodes, ...page.edges.map(edge => edge.node)],
      pageInfo: page.pageInfo,
    });
  }, [client]);

  return {
    nodes: joined(first?.edges.map(edge => edge.node) ?? [], more.nodes),
    loaded: !!data,
    error,
    busy: fetching || stale,
    more: !!info?.hasNextPage,
    load,
    again,
  };
};
