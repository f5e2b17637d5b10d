import { z } from 'zod'

const Answer = z.object({
  app: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string()),
  pid: z.number(),
  index: z.number(),
  instance: z.string(),
  greeting: z.string().nullable(),
})

/** What the small app `mirror` says of a request and of itself. */
export function mirrored({ body }: { body: string }): z.infer<typeof Answer> {
  return Answer.parse(JSON.parse(body))
}
