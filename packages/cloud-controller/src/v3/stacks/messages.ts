import { z } from 'zod'
import { text } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

export const stackStates = ['ACTIVE', 'RESTRICTED', 'DEPRECATED', 'DISABLED'] as const
const maximumNameLength = 250
const maximumReasonLength = 5000

const limited = (words: string, maximum: number) =>
  z
    .string({ error: `${words} must be a string` })
    .max(maximum, { error: `${words} is too long (maximum is ${maximum} characters)` })
    .nullish()

const stateAndReason = {
  state: z.enum(stackStates, { error: `State must be one of ${stackStates.join(', ')}` }).optional(),
  state_reason: limited('State reason', maximumReasonLength),
  metadata: metadataField.optional(),
}

/** cloud_controller_ng app/messages/stack_create_message.rb, which lets unknown fields pass. */
export const StackCreate = z.object({
  name: text('Name', maximumNameLength).transform((name) => name.trim()),
  description: limited('Description', maximumNameLength),
  ...stateAndReason,
})

/** cloud_controller_ng app/messages/stack_update_message.rb */
export const StackUpdate = z.strictObject(stateAndReason)
