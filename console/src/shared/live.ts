import type { AnyVariables, TypedDocumentNode } from '@urql/core';
import { useCallback, useRef } from 'react';
import { type UseQueryArgs, useClient, useQuery } from 'urql';

const patience = 1000; // milliseconds for an answer, before news may ask again

// useLiveQuery is a query that news have read anew. News that come while an answer is on its way
// have it asked for once more: it may be older than they are.
export const useLiveQuery = <D, V extends AnyVariables>(
  args: UseQueryArgs<V, D> & { query: TypedDocumentNode<D, V>; variables: V },
) => {
  const client = useClient();
  const [result] = useQuery<D, V>({ requestPolicy: 'cache-and-network', ...args });
  const latest = useRef(args);
  latest.current = args;
  const reading = useRef(false);
  const due = useRef(false);

  const read = useCallback(async () => {
    due.current = true;
    if (reading.current) return;
    reading.current = true;
    while (due.current) {
      due.current = false;
      const { query, variables } = latest.current;
      const answer = client.query(query, variables, { requestPolicy: 'network-only' }).toPromise();
      await Promise.race([answer, new Promise(done => setTimeout(done, patience))]);
    }
    reading.current = false;
  }, [client]);

  return [result, read] as const;
};
