import { z } from 'zod'
import { whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Link keys whose collection is not the key with an `s`. */
const collections: Readonly<Record<string, string>> = {
  service_brokers: 'service_brokers',
  service_instances: 'service_instances',
}

/** Jobs of clients: anyone with the guid may read one (semantics, section 12). */
export const jobs = resource({
  singular: 'Job',
  type: 'job',
  path: '/v3/jobs',
  table: 'jobs',
  hasMetadata: false,
  fields: () =>
    z.object({
      operation: z.string(),
      state: z.enum(['PROCESSING', 'POLLING', 'COMPLETE', 'FAILED']),
      errors: z.array(z.object({ code: whole, title: z.string(), detail: z.string() })),
      warnings: z.array(z.object({ detail: z.string() })),
    }),
  select: (db) => db.selectFrom('jobs').selectAll('jobs').where('jobs.visible', '=', 1),
  readableBy: (query) => query,
  present: (job) => ({
    fields: {
      operation: job.operation,
      state: job.state,
      errors: JSON.parse(job.errors),
      warnings: JSON.parse(job.warnings),
    },
    links: job.resource_type
      ? { [job.resource_type]: `/v3/${collections[job.resource_type] ?? `${job.resource_type}s`}/${job.resource_guid}` }
      : {},
  }),
})
