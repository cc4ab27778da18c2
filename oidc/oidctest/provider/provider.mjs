// A real OpenID provider on loopback. It logs in whoever login_hint names, without asking. POST /control makes accounts,
// rotates its key, and has it misbehave:
//   {"account": {"id", "email", "email_verified", "name", "amr"}}, {"rotate": true}, {"mode": "honest" | …}
// It writes its issuer on one line when it is up, and ends with its standard input.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'

const client = { client_id: 'carillon', client_secret: 'a secret of at least 32 characters', redirect_uris: ['http://localhost:8080/signed-in'] }
const accounts = new Map()
let mode = 'honest'
let key, keyId = 0, handle, issuer

async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { private: privateKey, jwk: { ...(await exportJWK(privateKey)), kid: `key-${++keyId}`, alg: 'RS256', use: 'sig' } }
}

const sign = (claims, k) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: k.jwk.kid }).sign(k.private)

// What a token becomes that should not be taken.
const forge = {
  'another audience': (claims) => sign({ ...claims, aud: 'somebody-else' }, key),
  'several audiences': (claims) => sign({ ...claims, aud: ['carillon', 'somebody-else'] }, key),
  'another nonce': (claims) => sign({ ...claims, nonce: 'a nonce of another flow' }, key),
  'no nonce': ({ nonce, ...claims }) => sign(claims, key),
  'another issuer': (claims) => sign({ ...claims, iss: 'https://elsewhere.example.com' }, key),
  'an expiry that is past': (claims) => sign({ ...claims, iat: 1, exp: 2 }, key),
  'a foreign key': async (claims) => sign(claims, { ...(await newKey()), jwk: key.jwk }),
  'the algorithm none': (claims) => new UnsecuredJWT(claims).encode(),
  'nobody as its subject': ({ sub, ...claims }) => sign(claims, key),
}

async function start() {
  key = await newKey()
  const provider = new Provider(issuer, {
    clients: [client],
    jwks: { keys: [key.jwk] },
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: ['name'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 600, Grant: 600, Interaction: 60, Session: 60 },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => { const { amr, id: _id, ...told } = accounts.get(id) ?? {}; return { sub: id, ...told } },
    }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  provider.use(async (ctx, next) => {
    if (mode === 'broken' && ctx.path === '/token') { ctx.status = 503; return }
    await next()
    if (ctx.path === '/token' && ctx.body?.id_token && mode !== 'honest') {
      ctx.body.id_token = await forge[mode](decodeJwt(ctx.body.id_token))
    }
  })
  const answer = provider.callback()
  handle = async (req, res) => {
    if (!req.url.startsWith('/interaction/')) return answer(req, res)
    const { params } = await provider.interactionDetails(req, res)
    const account = accounts.get(params.login_hint)
    return provider.interactionFinished(req, res, { login: { accountId: params.login_hint, amr: account?.amr } })
  }
}

async function control(req, res) {
  let text = ''
  for await (const chunk of req) text += chunk
  const asked = JSON.parse(text)
  if (asked.account) accounts.set(asked.account.id, asked.account)
  if (asked.mode) mode = asked.mode
  if (asked.rotate) await start()
  res.end('ok')
}

const server = createServer((req, res) => {
  const done = req.url === '/control' ? control(req, res) : handle(req, res)
  Promise.resolve(done).catch((err) => { console.error(err); if (!res.headersSent) res.writeHead(500); res.end() })
})
server.listen(0, '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`
  await start()
  console.log(issuer)
})
process.stdin.resume().on('end', () => process.exit(0))
