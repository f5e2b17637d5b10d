import { uptime } from 'node:os'
import { type Context, Hono } from 'hono'
import type { Logger } from 'pino'
import type { LogAccess } from '../auth/log-access.ts'
import type { Reader, TokenReader } from '../auth/token-reader.ts'
import { UpstreamError } from '../auth/upstream-error.ts'
import { type EnvelopeStore, firstOf, type SourceMeta } from '../store/envelope-store.ts'
import { filterByName, NameFilterError } from '../store/name-filter.ts'
import { parseReadQuery, ReadQueryError } from './read-query.ts'

export interface AppParts {
  readonly store: EnvelopeStore
  readonly tokens: TokenReader
  readonly access: LogAccess
  readonly logger: Logger
}

/** The version of the API: a client takes 2.0.0 and later to have the paths below /api. */
const version = '3.0.0'

type Env = { Variables: { reader: Reader } }

/**
 * log-cache's HTTP API. Answers are protobuf JSON, whose readers refuse unknown fields.
 * Whoever may not read gets 404 with nothing in it, whether the source is there or not, as from log-cache's cf-auth-proxy.
 */
export function createApp({ store, tokens, access, logger }: AppParts): Hono<Env> {
  const app = new Hono<Env>()
  app.onError((error, c) => {
    if (error instanceof ReadQueryError || error instanceof NameFilterError) {
      return c.json({ code: 3, message: error.message, details: [] }, 400)
    }
    logger.error({ err: error, path: c.req.path }, 'request failed')
    const [code, status] = error instanceof UpstreamError ? ([14, 503] as const) : ([13, 500] as const)
    return c.json({ code, message: status === 503 ? error.message : 'internal error', details: [] }, status)
  })
  app.notFound((c) => c.body(null, 404))

  app.get('/api/v1/info', (c) => c.json({ version, vm_uptime: String(Math.floor(uptime())) }))

  const authenticated = new Hono<Env>()
  authenticated.use(async (c, next) => {
    const reader = await tokens.read(c.req.header('Authorization'))
    if (!reader) return c.body(null, 404)
    c.set('reader', reader)
    return next()
  })
  authenticated.get('/read/:source_id{.+}', (c) => read(c, c.req.param('source_id'), { store, access }))
  authenticated.get('/meta', (c) => meta(c, { store, access }))
  app.route('/api/v1', authenticated)
  // Where the API was before 2.0.0.
  app.route('/v1', authenticated)
  return app
}

async function read(
  c: Context<Env>,
  sourceId: string,
  { store, access }: Pick<AppParts, 'store' | 'access'>,
): Promise<Response> {
  if (!(await access.mayRead(c.var.reader, sourceId))) return c.body(null, 404)
  const query = parseReadQuery(new URL(c.req.url).searchParams)
  const matching = store.read(sourceId, query)
  const named = query.nameFilter ? filterByName([...matching], query.nameFilter) : matching
  const envelopes = firstOf(named, query.limit)
  // The parts are JSON already.
  const body = `{"envelopes":{"batch":[${envelopes.map(({ json }) => json).join(',')}]}}\n`
  return c.body(body, 200, { 'Content-Type': 'application/json' })
}

async function meta(c: Context<Env>, { store, access }: Pick<AppParts, 'store' | 'access'>): Promise<Response> {
  const { reader } = c.var
  const readable = reader.seesAll ? undefined : await access.readableSources(reader)
  const sources = [...store.meta()].filter(([sourceId]) => readable?.has(sourceId) ?? true)
  return c.json({ meta: Object.fromEntries(sources.map(([sourceId, source]) => [sourceId, present(source)])) })
}

function present(source: SourceMeta): Record<string, string> {
  return {
    count: String(source.count),
    expired: String(source.expired),
    oldest_timestamp: String(source.oldestTimestamp),
    newest_timestamp: String(source.newestTimestamp),
  }
}
