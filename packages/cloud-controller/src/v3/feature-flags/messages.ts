import { z } from 'zod'
import { flag } from '../kit/fields.ts'

const maximumLength = 250

/** cloud_controller_ng app/messages/feature_flags_update_message.rb */
export const FeatureFlagUpdate = z.strictObject({
  enabled: flag('Enabled').optional(),
  custom_error_message: z
    .string({ error: 'Custom error message must be a string' })
    .min(1, { error: 'Custom error message is too short (minimum is 1 character)' })
    .max(maximumLength, { error: `Custom error message is too long (maximum is ${maximumLength} characters)` })
    .nullish(),
})
