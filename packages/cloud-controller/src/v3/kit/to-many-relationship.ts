import { z } from 'zod'
import type { RequestContext } from '../../http/environment.ts'
import { links, reference } from './answer-fields.ts'
import { presentLinks } from './present.ts'

/** A to-many relationship as it is answered. */
export const ToMany = z.object({ data: z.array(reference).readonly(), links })

/** A to-many relationship: its guids, and a link to itself. */
export function toManyAnswer(
  c: RequestContext,
  path: string,
  related: ReadonlyArray<{ readonly guid: string }>,
): z.input<typeof ToMany> {
  return {
    data: related.map(({ guid }) => ({ guid })),
    links: presentLinks(c.var.settings.externalUrl, { self: path }),
  }
}
