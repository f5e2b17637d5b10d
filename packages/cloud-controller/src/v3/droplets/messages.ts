import { z } from 'zod'
import { relationships, toOne } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const appRelationship = relationships({ app: toOne('app') })

/** cloud_controller_ng app/messages/droplet_create_message.rb */
export const DropletCreate = z.strictObject({
  relationships: appRelationship,
  process_types: z
    .unknown()
    .optional()
    .superRefine((value, context) => {
      const fault = (text: string): void => context.addIssue({ code: 'custom', message: `Process types ${text}` })
      if (value === undefined || value === null) return
      if (typeof value !== 'object' || Array.isArray(value)) return fault('must be an object')
      if (Object.keys(value).includes('')) fault('key must not be empty')
      if (Object.values(value).some((command) => typeof command !== 'string')) fault('value must be a string')
    })
    .transform((value) => (value ?? undefined) as Record<string, string> | undefined)
    .meta({ type: ['object', 'null'], additionalProperties: { type: 'string' } }),
})

/** Only the destination. */
export const DropletCopy = z.strictObject({ relationships: appRelationship })

/** cloud_controller_ng app/messages/droplet_update_message.rb; `image` is for the internal scope alone. */
export const DropletUpdate = z.strictObject({
  image: z.string({ error: 'Image must be a string' }).min(1, { error: "Image can't be blank" }).optional(),
  metadata: metadataField.optional(),
})
