import type { Context } from 'hono'
import type { UaaContext } from '../context.ts'
import { invalidClient } from '../errors.ts'
import type { Client } from '../store/clients.ts'

interface Credentials {
  readonly id: string
  readonly secret: string
}

/**
 * The client of this request, by Basic or by `client_id` and `client_secret` in its body. Throws UaaError 401
 * invalid_client, late, so that secrets can't be tried out quickly.
 */
export async function authenticateClient(
  context: UaaContext,
  c: Context,
  parameters: Readonly<Record<string, string>>,
): Promise<Client> {
  const credentials = basicCredentials(c) ?? bodyCredentials(parameters)
  const client = context.store.clients.find(credentials.id)
  if (!client || !(await context.clientSecrets.matches(client, credentials.secret))) {
    context.logger.warn({ clientId: credentials.id }, 'client authentication failed')
    await context.guard.slowDown()
    throw invalidClient()
  }
  if (parameters.client_id !== undefined && parameters.client_id !== client.id) {
    throw invalidClient('Given client ID does not match authenticated client')
  }
  return client
}

function bodyCredentials(parameters: Readonly<Record<string, string>>): Credentials {
  const { client_id: id, client_secret: secret } = parameters
  if (id === undefined) throw invalidClient('Client credentials missing')
  return { id, secret: secret ?? '' }
}

/** Undefined when the request has none. cf-uaa-lib escapes both parts, and says so in a header. */
function basicCredentials(c: Context): Credentials | undefined {
  const encoded = /^basic\s+(.*)$/i.exec(c.req.header('Authorization') ?? '')?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon === -1) throw invalidClient('Invalid basic authentication token')
  const parts = { id: text.slice(0, colon), secret: text.slice(colon + 1) }
  if (c.req.header('X-CF-ENCODED-CREDENTIALS')?.toLowerCase() !== 'true') return parts
  try {
    return { id: formDecoded(parts.id), secret: formDecoded(parts.secret) }
  } catch (error) {
    if (error instanceof URIError) throw invalidClient('Failed to URL Decode credentials')
    throw error
  }
}

const formDecoded = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))
