import { z } from 'zod'
import type { RequestContext } from '../../http/environment.ts'
import { links, reference } from './answer-fields.ts'
import { referenceSchema } from './fields.ts'
import { presentLinks } from './present.ts'
import { printed } from './words.ts'

/** The body `{data: {guid}}` or `{data: null}` of an endpoint for one relationship, with CC's words (semantics, section 2.1). */
export const ToOneBody = z.strictObject({
  data: z
    .unknown()
    .transform((value, context): { guid: string } | null => {
      const fault = (message: string): void => context.addIssue({ code: 'custom', message: `Data ${message}` })
      if (value === null) return null
      if (typeof value !== 'object' || Array.isArray(value)) {
        fault('must be an object')
        return z.NEVER
      }
      const { guid } = value as { guid?: unknown }
      if (Object.keys(value).length !== 1) fault('can only accept one key')
      if (!('guid' in value)) fault("can only accept key 'guid'")
      if (guid !== undefined && guid !== null && typeof guid !== 'string') fault(`${printed(guid)} must be a string`)
      return typeof guid === 'string' ? { guid } : null
    })
    .meta({ anyOf: [referenceSchema, { type: 'null' }] })
    .optional(),
})

/** One relationship as it is answered. */
export const ToOne = z.object({ data: reference.nullable(), links })

/** One relationship: its guid or null, and links to itself and to what it names. */
export function toOneAnswer(
  c: RequestContext,
  path: string,
  related: { readonly guid: string; readonly path: string } | null,
): z.input<typeof ToOne> {
  return {
    data: related && { guid: related.guid },
    links: presentLinks(c.var.settings.externalUrl, {
      self: path,
      related: related && `${related.path}/${related.guid}`,
    }),
  }
}
