import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one, whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

export const revisions = resource({
  singular: 'Revision',
  type: 'revision',
  path: '/v3/revisions',
  table: 'revisions',
  hasMetadata: true,
  fields: () =>
    z.object({
      version: whole,
      droplet: z.object({ guid: z.string().nullable() }),
      processes: z.record(z.string(), z.object({ command: z.string().nullable() })),
      sidecars: z.array(z.record(z.string(), z.unknown())),
      description: z.string(),
      deployable: z.boolean(),
      relationships: z.object({ app: one }),
    }),
  select: (db) =>
    db
      .selectFrom('revisions')
      .innerJoin('apps', 'apps.guid', 'revisions.app_guid')
      .selectAll('revisions')
      .select(['apps.space_guid', 'apps.name as app_name']),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    // What is no number matches nothing: no revision has a version below 1.
    versions: (query, versions) =>
      query.where('revisions.version', 'in', [0, ...versions.filter((text) => /^\d{1,9}$/.test(text)).map(Number)]),
    deployable: {
      boolean: (query, wanted, db) =>
        query.where((eb) => {
          const staged = db.selectFrom('droplets').select('droplets.guid').where('droplets.state', '=', 'STAGED')
          const isDeployable = eb('revisions.droplet_guid', 'in', staged)
          return wanted ? isDeployable : eb.not(isDeployable)
        }),
    },
  },
  load: (db, rows) => stagedDroplets(db, rows),
  present: (revision, staged) => ({
    fields: {
      version: revision.version,
      droplet: { guid: revision.droplet_guid },
      processes: JSON.parse(revision.processes),
      sidecars: JSON.parse(revision.sidecars),
      description: revision.description,
      deployable: staged.has(revision.droplet_guid),
      relationships: { app: { data: { guid: revision.app_guid } } },
    },
    links: {
      app: `/v3/apps/${revision.app_guid}`,
      environment_variables: `/v3/revisions/${revision.guid}/environment_variables`,
    },
  }),
})

/** Droplets of these revisions that are still there to run. */
async function stagedDroplets(
  db: Db,
  rows: ReadonlyArray<Pick<Row<'revisions'>, 'droplet_guid'>>,
): Promise<ReadonlySet<string | null>> {
  const guids = rows.map((revision) => revision.droplet_guid).filter((guid) => guid !== null)
  if (guids.length === 0) return new Set()
  const droplets = await db
    .selectFrom('droplets')
    .select('guid')
    .where('guid', 'in', guids)
    .where('state', '=', 'STAGED')
    .execute()
  return new Set(droplets.map((droplet) => droplet.guid))
}
