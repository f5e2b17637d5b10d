import { z } from 'zod'
import { integer } from '../kit/fields.ts'
import { hasAtMost, ifMentioned, isPresent, isString, ruledText, type TextRule } from '../kit/text-rules.ts'

const limits = { name: 255, command: 4096 }
const rules = (maximum: number): TextRule[] => [isPresent, isString, hasAtMost(maximum)]

const noTypes = 'Process types must have at least 1 process_type'
const processTypes = z
  .array(z.string({ error: 'Process types can only contain strings' }), {
    error: ({ input }) =>
      `Process types must be an array${input === undefined || input === null || input === '' ? `, ${noTypes}` : ''}`,
  })
  .min(1, { error: noTypes })

/** cloud_controller_ng app/messages/sidecar_create_message.rb */
export const SidecarCreate = z.strictObject({
  name: ruledText('Name', limits.name, rules(limits.name)),
  command: ruledText('Command', limits.command, rules(limits.command)),
  process_types: processTypes,
  memory_in_mb: integer('Memory in mb', { minimum: 1 }).nullish(),
})

/** cloud_controller_ng app/messages/sidecar_update_message.rb */
export const SidecarUpdate = SidecarCreate.extend({
  name: ruledText('Name', limits.name, rules(limits.name).map(ifMentioned)).optional(),
  command: ruledText('Command', limits.command, rules(limits.command).map(ifMentioned)).optional(),
  process_types: processTypes.optional(),
})
