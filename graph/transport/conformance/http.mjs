// Every audit that graphql-http has for a server of GraphQL over HTTP: MUST, SHOULD and MAY alike.
import { serverAudits } from 'graphql-http';
import { assert, rule, run, token, url } from './report.mjs';

const fetchFn = (to, init = {}) => fetch(to, { ...init, headers: { ...init.headers, authorization: token } });
for (const audit of serverAudits({ url, fetchFn })) {
  rule(`${audit.id} ${audit.name}`, async () => {
    const result = await audit.fn();
    assert(result.status === 'ok', `${result.status}: ${result.reason}`);
  });
}
await run();
