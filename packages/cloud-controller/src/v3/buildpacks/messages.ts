import { z } from 'zod'
import { flag, integer, text } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const maximumLength = 250
const name = text('Name', maximumLength).refine((value) => /^[-\w]+$/.test(value) || value.trim() === '', {
  error: 'Name is invalid',
})
/** The words differ from those of other integers that must be positive. */
const position = integer('Position')
  .refine((value) => !Number.isInteger(value) || value >= 1, {
    error: 'Position must be greater than or equal to 1',
  })
  .meta({ minimum: 1 })
const fields = {
  stack: text('Stack', maximumLength).nullish(),
  enabled: flag('Enabled').nullish(),
  locked: flag('Locked').nullish(),
  position: position.nullish(),
  metadata: metadataField.optional(),
}

/** cloud_controller_ng app/messages/buildpack_create_message.rb */
export const BuildpackCreate = z.strictObject({
  name,
  ...fields,
  lifecycle: z.enum(['buildpack', 'cnb'], { error: 'Lifecycle must be either "buildpack" or "cnb"' }).nullish(),
})

/** cloud_controller_ng app/messages/buildpack_update_message.rb: what is named must not be null. */
export const BuildpackUpdate = z.strictObject({
  ...fields,
  name: name.nullish(),
  position: position.optional(),
  enabled: flag('Enabled').optional(),
  locked: flag('Locked').optional(),
})
