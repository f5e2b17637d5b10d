import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { UaaContext } from '../context.ts'
import { UaaError } from '../errors.ts'
import { clientRoutes } from './clients.ts'
import { groupRoutes } from './groups.ts'
import { oauthRoutes } from './oauth.ts'
import { revocationRoutes } from './revocation.ts'
import { serverInfoRoutes } from './server-info.ts'
import { userIdRoutes } from './user-ids.ts'
import { userRoutes } from './users.ts'

const maxBodyInBytes = 1_048_576

export function createApp(context: UaaContext): Hono {
  const app = new Hono()
  app.use(
    bodyLimit({
      maxSize: maxBodyInBytes,
      onError: (c) => rendered(c, new UaaError(413, 'invalid_request', 'The request body is too large')),
    }),
  )
  app.route('/', serverInfoRoutes(context))
  app.route('/', oauthRoutes(context))
  app.route('/', revocationRoutes(context))
  app.route('/', userRoutes(context))
  app.route('/', userIdRoutes(context))
  app.route('/', groupRoutes(context))
  app.route('/', clientRoutes(context))
  app.notFound((c) => rendered(c, new UaaError(404, 'not_found', `No such endpoint: ${c.req.method} ${c.req.path}`)))
  app.onError((error, c) => {
    if (error instanceof UaaError) return rendered(c, error)
    context.logger.error({ err: error, method: c.req.method, path: c.req.path }, 'request failed')
    return rendered(c, new UaaError(500, 'server_error', 'Unexpected error'))
  })
  return app
}

function rendered(c: Context, error: UaaError): Response {
  if (error.challenge) {
    const scope = error.fields.scope
    const parts = [
      error.challenge,
      `error="${error.error}"`,
      `error_description="${headerText(error.message)}"`,
      ...(typeof scope === 'string' ? [`scope="${headerText(scope)}"`] : []),
    ]
    c.header('WWW-Authenticate', parts.join(', '))
  }
  if (error.status === 503) c.header('Retry-After', '1')
  c.header('Cache-Control', 'no-store')
  const body = { error: error.error, error_description: error.message, ...error.fields }
  return c.json(body, error.status as ContentfulStatusCode)
}

/** What may stand between quotes in a header; descriptions can repeat what the client sent. */
const headerText = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, "'")
