import type { Context, Handler } from 'hono'
import { z } from 'zod'
import type { WorkerEnv } from '../../http/environment.ts'
import { tagged } from '../kit/operation-facts.ts'

const OpenapiDocument = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
})

/** Answers the OpenAPI document of the routes: made when it is asked for first, because a start should not wait for it. */
export function openapiRoute(
  routes: () => Parameters<typeof import('./document.ts').openapiDocument>[0],
): Handler<WorkerEnv> {
  let text: string | undefined
  return tagged(
    { answer: { kind: 'document', status: 200, schema: OpenapiDocument } },
    async (c: Context<WorkerEnv>) => {
      const { openapiDocument } = await import('./document.ts')
      text ??= JSON.stringify(openapiDocument(routes(), c.var.settings))
      return c.body(text, 200, { 'content-type': 'application/json' })
    },
  )
}
