import { z } from 'zod'
import { environmentVariables } from '../kit/environment-variables.ts'
import { relationships, text, toOne } from '../kit/fields.ts'
import { lifecycleField } from '../kit/lifecycle-field.ts'
import { metadataField } from '../kit/metadata.ts'

/** Any printable text; blanks around it don't count (cloud_controller_ng app/models/runtime/app_model.rb). */
const name = text('Name')
  .refine((value) => !/\p{Cc}/u.test(value), { error: 'Name must not contain escaped characters' })
  .transform((value) => value.trim())

/** cloud_controller_ng app/messages/app_create_message.rb */
export const AppCreate = z.strictObject({
  name,
  relationships: relationships({ space: toOne('space') }),
  lifecycle: lifecycleField.optional(),
  environment_variables: environmentVariables('Environment variables').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/app_update_message.rb */
export const AppUpdate = z.strictObject({
  name: name.optional(),
  lifecycle: lifecycleField.optional(),
  metadata: metadataField.optional(),
})

/** The body of a to-one relationship: `{data: {guid}}`. CC does not say more than that the droplet is wrong. */
export const CurrentDroplet = z.object({
  data: z.object({ guid: z.string() }).partial().nullish().catch(undefined),
})
