import { Hono } from 'hono'
import type { UaaContext } from '../context.ts'
import { presentKey } from '../tokens/signing-keys.ts'

/** The UAA whose API this follows; clients compare it (cf asks for 4.26.0 before it offers --origin). */
const uaaVersion = '77.20.0'

/** What anybody may know: prompts, links, and the keys that verify tokens. */
export function serverInfoRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  const { externalUrl } = context
  const info = {
    app: { version: uaaVersion },
    links: {
      uaa: externalUrl,
      login: externalUrl,
      passwd: `${externalUrl}/forgot_password`,
      register: `${externalUrl}/create_account`,
    },
    zone_name: 'uaa',
    entityID: 'cloudfoundry-saml-login',
    commit_id: 'vcap',
    idpDefinitions: {},
    prompts: { username: ['text', 'Email'], password: ['password', 'Password'] },
    timestamp: new Date(context.now()).toISOString().replace(/\.\d+Z$/, '+0000'),
  }
  routes.get('/login', (c) => c.json(info))
  routes.get('/info', (c) => c.json(info))
  routes.get('/healthz', (c) => c.text('ok\n'))

  routes.get('/token_keys', async (c) => {
    const keys = await context.keys.all()
    return c.json({ keys: await Promise.all(keys.map(presentKey)) })
  })
  routes.get('/token_key', async (c) => c.json(await presentKey(await context.keys.active())))

  const configuration = {
    issuer: context.issuer,
    authorization_endpoint: `${externalUrl}/oauth/authorize`,
    token_endpoint: `${externalUrl}/oauth/token`,
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    userinfo_endpoint: `${externalUrl}/userinfo`,
    jwks_uri: `${externalUrl}/token_keys`,
    scopes_supported: ['openid', 'profile', 'email', 'phone', 'roles', 'user_attributes'],
    response_types_supported: ['code'],
    grant_types_supported: ['password', 'refresh_token', 'client_credentials', 'authorization_code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    claim_types_supported: ['normal'],
    claims_supported: [
      ...['sub', 'user_name', 'origin', 'iss', 'auth_time', 'client_id', 'aud', 'zid', 'grant_type', 'user_id'],
      ...['azp', 'scope', 'exp', 'iat', 'jti', 'rev_sig', 'cid', 'email'],
    ],
    claims_parameter_supported: false,
    service_documentation: 'https://docs.cloudfoundry.org/api/uaa/',
    ui_locales_supported: ['en-US'],
  }
  routes.get('/.well-known/openid-configuration', (c) => c.json(configuration))
  routes.get('/oauth/token/.well-known/openid-configuration', (c) => c.json(configuration))
  return routes
}
