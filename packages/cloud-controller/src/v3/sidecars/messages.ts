import { z } from 'zod'
import { integer, text } from '../kit/fields.ts'

/** cloud_controller_ng app/messages/sidecar_create_message.rb */
export const SidecarCreate = z.strictObject({
  name: text('Name'),
  command: text('Command', 4096),
  process_types: z
    .array(z.string({ error: 'Process types can only contain strings' }), { error: 'Process types must be an array' })
    .min(1, { error: 'Process types must have at least 1 process_type' }),
  memory_in_mb: integer('Memory in mb', { minimum: 1 }).nullish(),
})

/** cloud_controller_ng app/messages/sidecar_update_message.rb */
export const SidecarUpdate = SidecarCreate.partial()
