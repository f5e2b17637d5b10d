import { z } from 'zod'

/** What is read of the API's answers by several parts of the client. */
export const WithGuid = z.object({ guid: z.string() })

export const Page = <T>(resource: z.ZodType<T>) => z.object({ resources: z.array(resource) })
