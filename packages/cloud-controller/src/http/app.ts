import { type Context, Hono } from 'hono'
import { routePath } from 'hono/route'
import { isForeignKeyViolation } from '../db/constraint-violation.ts'
import { apiError, deletedMeanwhile } from '../errors/api-error.ts'
import { routes as internal } from '../internal/routes.ts'
import { asRequest } from '../logs/request-context.ts'
import { routes as staging } from '../staging/routes.ts'
import { tagged } from '../v3/kit/operation-facts.ts'
import { openapiRoute } from '../v3/openapi/route.ts'
import { routes as v3 } from '../v3/routes.ts'
import { authenticate } from './authentication.ts'
import type { ThreadServices, WorkerEnv } from './environment.ts'
import { errorAnswer } from './error-answer.ts'
import { refuseNullBytes } from './null-bytes.ts'
import { requestIdHeader } from './request-id.ts'
import { rootDocuments } from './root-documents.ts'
import type { VerifyToken } from './token-verifier.ts'

/** What requests are served with. */
export interface AppServices extends ThreadServices {
  readonly verifyToken: VerifyToken
}

/**
 * The whole HTTP application of a request thread: services → request id → token and scopes → routes → one error renderer.
 * Trailing slashes are accepted, HEAD works where GET does.
 */
export function createApp(services: AppServices): Hono<WorkerEnv> {
  const { verifyToken, ...threadServices } = services
  const app = new Hono<WorkerEnv>({ strict: false })

  app.use(async (c, next) => {
    for (const [name, service] of Object.entries(threadServices)) c.set(name as keyof ThreadServices, service as never)
    const requestId = c.env?.request?.id ?? ''
    c.set('requestId', requestId)
    c.header(requestIdHeader, requestId)
    c.header('x-reactor-route', routePath(c, -1))
    await asRequest(requestId, next)
  })
  for (const [path, document] of Object.entries(rootDocuments)) {
    const answer = document(services.settings)
    const facts = { answer: { kind: 'constant', value: answer } } as const
    app.get(
      path,
      tagged(facts, (c: Context) => (typeof answer === 'string' ? c.text(answer) : c.json(answer))),
    )
  }
  const withToken = tagged({ security: 'bearer' }, authenticate(verifyToken))
  app.get(
    '/openapi.json',
    openapiRoute(() => app.routes),
  )
  app.use('/v3/*', refuseNullBytes, withToken)
  app.use('/internal/v4/*', withToken)
  app.route('/', v3)
  app.route('/', staging)
  app.route('/', internal)

  app.notFound((c) => {
    const { status, body } = errorAnswer(apiError('NotFound'))
    return c.json(body, status as 404)
  })
  app.onError((error, c) => {
    // A request looks up all that it names before it writes.
    const lostParent = isForeignKeyViolation(error)
    const { status, headers, body } = errorAnswer(lostParent ? deletedMeanwhile() : error)
    const facts = { err: error, requestId: c.get('requestId'), method: c.req.method, path: c.req.path }
    if (status >= 500) services.logger.error(facts, 'request failed')
    else if (lostParent) services.logger.info(facts, 'what a request named was deleted before it could be used')
    return c.json(body, status as 500, headers as Record<string, string>)
  })
  return app
}
