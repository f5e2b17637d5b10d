import { z } from 'zod'
import type { Db, Row, Tables } from '../../db/schema.ts'
import { whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Tables, which are collections of the API too, of what jobs are about. */
const collections: Readonly<Record<string, keyof Tables>> = {
  app: 'apps',
  buildpack: 'buildpacks',
  domain: 'domains',
  droplet: 'droplets',
  organization: 'organizations',
  organization_quota: 'organization_quotas',
  package: 'packages',
  role: 'roles',
  route: 'routes',
  space: 'spaces',
  space_quota: 'space_quotas',
  user: 'users',
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
  select: (db: Db) => db.selectFrom('jobs').selectAll('jobs').where('jobs.visible', '=', 1),
  readableBy: (query) => query,
  load: addressesOfTargets,
  present: (job, addresses) => ({
    fields: {
      operation: job.operation,
      state: job.state,
      errors: JSON.parse(job.errors),
      warnings: JSON.parse(job.warnings),
    },
    links: job.resource_type === null ? {} : { [job.resource_type]: addresses.get(job.guid) ?? null },
  }),
})

/** Where what each job is about is found, as long as it is there. A statement for each: jobs are shown one at a time. */
async function addressesOfTargets(db: Db, rows: ReadonlyArray<Row<'jobs'>>): Promise<ReadonlyMap<string, string>> {
  const addresses = new Map<string, string>()
  for (const { guid, resource_type, resource_guid } of rows) {
    if (resource_type === null || resource_guid === null) continue
    const table = collections[resource_type]
    if (!table) throw new Error(`no collection is known of ${resource_type}, which job ${guid} is about`)
    const target = await db
      // Kysely can't type a statement for a table that is known at run time only; all of these have a guid.
      .selectFrom(table as 'apps')
      .select('guid')
      .where('guid', '=', resource_guid)
      .executeTakeFirst()
    if (target) addresses.set(guid, `/v3/${table}/${resource_guid}`)
  }
  return addresses
}
