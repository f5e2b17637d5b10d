import { z } from 'zod'

/** What a component's process says to the `vcap up` that started it. */
export const ComponentMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), addresses: z.record(z.string(), z.string()) }),
  z.object({
    type: z.literal('failed'),
    /** `configuration` and `port` do not go away by trying again. */
    kind: z.enum(['configuration', 'port', 'other']),
    message: z.string(),
  }),
])
export type ComponentMessage = z.infer<typeof ComponentMessage>
