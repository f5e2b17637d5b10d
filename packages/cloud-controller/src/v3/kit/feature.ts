import { z } from 'zod'

/** A feature of an app or a space, as it is answered. */
export const Feature = z
  .object({ name: z.string(), description: z.string(), enabled: z.boolean() })
  .meta({ id: 'Feature' })
