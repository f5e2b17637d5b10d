import type { Context } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { presentLinks } from './present.ts'

/** Answers one to-many relationship: its guids, and a link to itself. */
export function toManyAnswer(
  c: Context<WorkerEnv>,
  path: string,
  related: ReadonlyArray<{ readonly guid: string }>,
): Response {
  return c.json({
    data: related.map(({ guid }) => ({ guid })),
    links: presentLinks(c.var.settings.externalUrl, { self: path }),
  })
}
