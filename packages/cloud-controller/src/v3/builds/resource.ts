import { z } from 'zod'
import { obfuscatedUrl } from '../../actions/app-events.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { lifecycle, one, reference, whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Builds; every row knows the space of its app, because rights hang on it. */
export const builds = resource({
  singular: 'Build',
  type: 'build',
  path: '/v3/builds',
  table: 'builds',
  hasMetadata: true,
  fields: () =>
    z.object({
      state: z.enum(['STAGING', 'STAGED', 'FAILED']),
      staging_memory_in_mb: whole,
      staging_disk_in_mb: whole,
      staging_log_rate_limit_bytes_per_second: whole,
      error: z.string().nullable(),
      lifecycle,
      package: reference,
      droplet: reference.nullable(),
      created_by: z.object({ guid: z.string(), name: z.string().nullable(), email: z.string().nullable() }),
      relationships: z.object({ app: one }),
    }),
  select: (db) =>
    db
      .selectFrom('builds')
      .innerJoin('apps', 'apps.guid', 'builds.app_guid')
      .selectAll('builds')
      .select(['apps.space_guid']),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    app_guids: (query, guids) => query.where('builds.app_guid', 'in', guids),
    package_guids: (query, guids) => query.where('builds.package_guid', 'in', guids),
    states: (query, states) => query.where('builds.state', 'in', states as never[]),
  },
  present: (build) => ({
    fields: {
      state: build.state,
      staging_memory_in_mb: build.staging_memory_in_mb,
      staging_disk_in_mb: build.staging_disk_in_mb,
      staging_log_rate_limit_bytes_per_second: build.staging_log_rate_limit_bytes_per_second,
      error: [build.error_id, build.error_description].filter((part) => part !== null).join(' - ') || null,
      lifecycle: {
        type: build.lifecycle_type,
        data:
          build.lifecycle_type === 'docker'
            ? {}
            : {
                buildpacks: (JSON.parse(build.lifecycle_buildpacks) as string[]).map(obfuscatedUrl),
                stack: build.lifecycle_stack,
              },
      },
      package: { guid: build.package_guid },
      droplet: build.droplet_guid === null ? null : { guid: build.droplet_guid },
      created_by: {
        guid: build.created_by_user_guid,
        name: build.created_by_user_name,
        email: build.created_by_user_email,
      },
      relationships: { app: { data: { guid: build.app_guid } } },
    },
    links: {
      app: `/v3/apps/${build.app_guid}`,
      droplet: build.droplet_guid === null ? null : `/v3/droplets/${build.droplet_guid}`,
    },
  }),
})
