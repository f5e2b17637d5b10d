import { z } from 'zod'
import { obfuscatedUrl } from '../../actions/app-events.ts'
import type { Db, Row } from '../../db/schema.ts'
import { canInSpace } from '../../permissions/guards.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { lifecycle, one } from '../kit/answer-fields.ts'
import { resource, type View } from '../kit/resource.ts'

/** A droplet with the space and name of its app. */
export type DropletRow = Row<'droplets'> & { readonly space_guid: string; readonly app_name: string }

const hiddenInList = '[PRIVATE DATA HIDDEN IN LISTS]'
const hiddenFromCaller = '[PRIVATE DATA HIDDEN]'

const DropletBuildpack = z.object({
  name: z.string(),
  detect_output: z.string().nullish(),
  buildpack_name: z.string().nullish(),
  version: z.string().nullish(),
})

export const droplets = resource({
  singular: 'Droplet',
  type: 'droplet',
  path: '/v3/droplets',
  table: 'droplets',
  hasMetadata: true,
  fields: () =>
    z.object({
      state: z.enum(['AWAITING_UPLOAD', 'PROCESSING_UPLOAD', 'STAGING', 'COPYING', 'STAGED', 'FAILED', 'EXPIRED']),
      error: z.string().nullable(),
      lifecycle,
      checksum: z.object({ type: z.string(), value: z.string() }).nullable(),
      buildpacks: z.array(DropletBuildpack).nullable(),
      stack: z.string().nullable(),
      image: z.string().nullable(),
      execution_metadata: z.string(),
      /** By type; or why the caller does not see them. */
      process_types: z.record(z.string(), z.string()).nullable(),
      relationships: z.object({ app: one }),
    }),
  select: (db: Db) =>
    db
      .selectFrom('droplets')
      .innerJoin('apps', 'apps.guid', 'droplets.app_guid')
      .selectAll('droplets')
      .select(['apps.space_guid', 'apps.name as app_name']),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    states: (query, states) => query.where('droplets.state', 'in', states as never[]),
    app_guids: (query, guids) => query.where('droplets.app_guid', 'in', guids),
    space_guids: (query, guids) => query.where('apps.space_guid', 'in', guids),
    organization_guids: (query, guids, db) =>
      query.where(
        'apps.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
    current: {
      parse: ([value], faults) => {
        if (value !== 'true') faults.push("Current only accepts the value 'true'")
      },
      narrow: (query) => query.whereRef('apps.droplet_guid', '=', 'droplets.guid'),
    },
  },
  load: secretsOf,
  present: (droplet, hidden) => ({
    fields: {
      state: droplet.state,
      error: droplet.error,
      lifecycle: { type: droplet.lifecycle_type, data: {} },
      checksum: checksumOf(droplet),
      buildpacks: droplet.lifecycle_type === 'docker' ? null : buildpacksOf(droplet),
      stack: droplet.stack,
      image: droplet.image,
      execution_metadata: hidden ?? droplet.execution_metadata,
      process_types:
        hidden === undefined ? parsed<Record<string, string>>(droplet.process_types) : { redacted_message: hidden },
      relationships: { app: { data: { guid: droplet.app_guid } } },
    },
    links: {
      app: `/v3/apps/${droplet.app_guid}`,
      assign_current_droplet: {
        path: `/v3/apps/${droplet.app_guid}/relationships/current_droplet`,
        method: 'PATCH',
      },
      package: droplet.package_guid === null ? null : `/v3/packages/${droplet.package_guid}`,
      upload:
        droplet.state === 'AWAITING_UPLOAD' ? { path: `/v3/droplets/${droplet.guid}/upload`, method: 'POST' } : null,
      download:
        droplet.state === 'STAGED' && droplet.lifecycle_type === 'buildpack'
          ? `/v3/droplets/${droplet.guid}/download`
          : null,
    },
  }),
})

/** What stands for start commands that the caller may not see: all of them in a list (semantics, section 10). */
async function secretsOf(db: Db, rows: readonly DropletRow[], { caller, kind }: View): Promise<string | undefined> {
  if (kind === 'list') return hiddenInList
  const [droplet] = rows
  return droplet && (await canInSpace(db, caller, droplet.space_guid, 'readSecrets')) ? undefined : hiddenFromCaller
}

function checksumOf({ sha1, sha256 }: DropletRow): { type: string; value: string } | null {
  if (sha256 !== null) return { type: 'sha256', value: sha256 }
  return sha1 === null ? null : { type: 'sha1', value: sha1 }
}

function buildpacksOf({ buildpacks }: DropletRow): Array<z.input<typeof DropletBuildpack>> | null {
  const list = parsed<Array<z.input<typeof DropletBuildpack>>>(buildpacks)
  return list?.map((buildpack) => ({ ...buildpack, name: obfuscatedUrl(buildpack.name) })) ?? null
}

const parsed = <T>(json: string | null): T | null => (json === null ? null : JSON.parse(json))
