import { Hono } from 'hono'
import { z } from 'zod'
import type { UaaContext } from '../context.ts'
import { insufficientScope, invalidClient, invalidClientDetails } from '../errors.ts'
import { isWellKnownSecret } from '../passwords/well-known-secrets.ts'
import { presentList, readListRequest } from '../scim/listing.ts'
import type { Client, ClientDetails } from '../store/clients.ts'
import { hasScope, requireScope } from './caller.ts'
import { readJson } from './request-body.ts'

/** Lists come as JSON lists, or as one text with commas. */
const List = z.union([
  z.array(z.string()),
  z.string().transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean),
  ),
])

const ClientMessage = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().optional(),
  name: z.string().optional(),
  scope: List.default(['uaa.none']),
  authorities: List.default(['uaa.none']),
  authorized_grant_types: List,
  redirect_uri: List.default([]),
  autoapprove: z.union([z.boolean(), z.array(z.string())]).default(false),
  access_token_validity: z.number().int().positive().optional(),
  refresh_token_validity: z.number().int().positive().optional(),
})
type ClientMessage = z.infer<typeof ClientMessage>

const SecretChange = z.object({ oldSecret: z.string().optional(), secret: z.string().min(1) })

/** /oauth/clients (uaa: ClientAdminEndpoints.java). Secrets never leave. */
export function clientRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  const { store, logger } = context

  routes.get('/oauth/clients', async (c) => {
    await requireScope(context, c, 'clients.read', 'clients.admin')
    const request = readListRequest(c.req.query())
    const clients = store.clients.all()
    const page = clients.slice(request.startIndex - 1, request.startIndex - 1 + request.count)
    return c.json(
      presentList(request, page.map(presentClient), clients.length, [
        'http://cloudfoundry.org/schema/scim/oauth-clients-1.0',
      ]),
    )
  })

  routes.get('/oauth/clients/:id', async (c) => {
    await requireScope(context, c, 'clients.read', 'clients.admin')
    return c.json(presentClient(store.clients.get(c.req.param('id'))))
  })

  routes.post('/oauth/clients', async (c) => {
    await requireScope(context, c, 'clients.admin')
    const message = await readJson(c, ClientMessage, invalidClientDetails)
    const details = detailsOf(message)
    requireSecretFor(details, message.client_secret ?? '')
    const hash = message.client_secret ? await hashed(message.client_id, message.client_secret) : null
    const client = store.clients.create(message.client_id, message.name ?? null, hash, details, context.now())
    logger.info({ clientId: client.id }, 'created a client')
    return c.json(presentClient(client), 201)
  })

  /** Everything but the secret. */
  routes.put('/oauth/clients/:id', async (c) => {
    await requireScope(context, c, 'clients.admin')
    const client = store.clients.get(c.req.param('id'))
    const message = await readJson(c, ClientMessage, invalidClientDetails)
    if (message.client_id !== client.id) throw invalidClientDetails('The client id can not be changed.')
    const details = detailsOf(message)
    requireSecretFor(details, context.clientSecrets.fingerprintOf(client))
    store.clients.update(client.id, message.name ?? null, details, context.now())
    logger.info({ clientId: client.id }, 'updated a client')
    return c.json(presentClient(store.clients.get(client.id)))
  })

  /** An admin sets any client's secret; a client with `clients.secret` its own, if it knows the old one. */
  routes.put('/oauth/clients/:id/secret', async (c) => {
    const caller = await requireScope(context, c, 'clients.secret', 'clients.admin')
    const client = store.clients.get(c.req.param('id'))
    const change = await readJson(c, SecretChange, invalidClientDetails)
    if (!hasScope(caller, 'clients.admin')) {
      if (caller.client.id !== client.id) throw insufficientScope(['clients.admin'])
      if (!(await context.clientSecrets.matches(client, change.oldSecret ?? ''))) {
        await context.guard.slowDown()
        throw invalidClient('Previous secret is required and must be valid')
      }
    }
    store.clients.setSecret(client.id, await hashed(client.id, change.secret), context.now())
    logger.info({ clientId: client.id }, 'changed the secret of a client')
    return c.json({ status: 'ok', message: 'secret updated' })
  })

  routes.delete('/oauth/clients/:id', async (c) => {
    await requireScope(context, c, 'clients.admin')
    const client = store.clients.get(c.req.param('id'))
    store.clients.delete(client.id)
    logger.info({ clientId: client.id }, 'deleted a client')
    return c.json(presentClient(client))
  })

  async function hashed(id: string, secret: string): Promise<string> {
    if (context.passwordPolicy.refuseWellKnown && isWellKnownSecret(secret, id)) {
      throw invalidClientDetails('The secret must not be a well-known one.')
    }
    return context.hasher.hash(secret)
  }
  return routes
}

const knownGrantTypes = new Set(['password', 'refresh_token', 'client_credentials', 'authorization_code'])

/** Throws UaaError 400 for a grant that this server does not have, rather than register what would never work. */
function detailsOf(message: ClientMessage): ClientDetails {
  const unknown = message.authorized_grant_types.find((grant) => !knownGrantTypes.has(grant))
  if (unknown !== undefined) throw invalidClientDetails(`${unknown} is not an allowed grant type.`)
  if (message.authorized_grant_types.length === 0) throw invalidClientDetails('A client needs a grant type.')
  const badRedirect = message.redirect_uri.find((uri) => !URL.canParse(uri))
  if (badRedirect !== undefined) throw invalidClientDetails(`One of the redirect_uri is invalid: ${badRedirect}`)
  return {
    authorizedGrantTypes: message.authorized_grant_types,
    scopes: message.scope,
    authorities: message.authorities,
    redirectUris: message.redirect_uri,
    autoApprove: message.autoapprove,
    ...(message.access_token_validity === undefined
      ? {}
      : { accessTokenValidityInSeconds: message.access_token_validity }),
    ...(message.refresh_token_validity === undefined
      ? {}
      : { refreshTokenValidityInSeconds: message.refresh_token_validity }),
  }
}

function requireSecretFor({ authorizedGrantTypes }: ClientDetails, secret: string): void {
  const needing = authorizedGrantTypes.find((grant) => grant === 'client_credentials' || grant === 'authorization_code')
  if (needing !== undefined && secret === '') {
    throw invalidClientDetails(`Client secret is required for grant type ${needing}`)
  }
}

function presentClient({ id, name, details, updated_at: updatedAt }: Client): Record<string, unknown> {
  return {
    client_id: id,
    ...(name === null ? {} : { name }),
    scope: details.scopes,
    resource_ids: ['none'],
    authorized_grant_types: details.authorizedGrantTypes,
    ...(details.redirectUris.length === 0 ? {} : { redirect_uri: details.redirectUris }),
    autoapprove: details.autoApprove,
    authorities: details.authorities,
    ...(details.accessTokenValidityInSeconds === undefined
      ? {}
      : { access_token_validity: details.accessTokenValidityInSeconds }),
    ...(details.refreshTokenValidityInSeconds === undefined
      ? {}
      : { refresh_token_validity: details.refreshTokenValidityInSeconds }),
    lastModified: updatedAt,
  }
}
