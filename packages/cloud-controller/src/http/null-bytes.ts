import type { MiddlewareHandler } from 'hono'
import { apiError } from '../errors/api-error.ts'

/** Throws 400/10004 for a path or query with a null byte: no name or guid has one, and PostgreSQL fails on it. */
export const refuseNullBytes: MiddlewareHandler = async (c, next) => {
  if (/\0|%00/.test(c.req.url)) throw apiError('InvalidRequest')
  await next()
}
