import { z } from 'zod'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Packages; every row knows the space and name of its app, because rights hang on the space. */
export const packages = resource({
  singular: 'Package',
  type: 'package',
  path: '/v3/packages',
  table: 'packages',
  hasMetadata: true,
  fields: () =>
    z.object({
      type: z.enum(['bits', 'docker']),
      data: z.union([
        z.object({
          error: z.string().nullable(),
          checksum: z.object({ type: z.string(), value: z.string().nullable() }),
        }),
        z.object({ image: z.string().nullable(), username: z.string().nullable(), password: z.string().nullable() }),
      ]),
      state: z.enum(['AWAITING_UPLOAD', 'PROCESSING_UPLOAD', 'COPYING', 'READY', 'FAILED', 'EXPIRED']),
      relationships: z.object({ app: one }),
    }),
  select: (db) =>
    db
      .selectFrom('packages')
      .innerJoin('apps', 'apps.guid', 'packages.app_guid')
      .selectAll('packages')
      .select(['apps.space_guid', 'apps.name as app_name']),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    states: (query, states) => query.where('packages.state', 'in', states as never[]),
    types: (query, types) => query.where('packages.type', 'in', types as never[]),
    app_guids: (query, guids) => query.where('packages.app_guid', 'in', guids),
    space_guids: (query, guids) => query.where('apps.space_guid', 'in', guids),
    organization_guids: (query, guids, db) =>
      query.where(
        'apps.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
  },
  present: (row) => ({
    fields: {
      type: row.type,
      data:
        row.type === 'docker'
          ? {
              image: row.docker_image,
              username: row.docker_username,
              password: row.docker_username === null ? null : '***',
            }
          : { error: row.error, checksum: { type: 'sha256', value: row.sha256 } },
      state: row.state,
      relationships: { app: { data: { guid: row.app_guid } } },
    },
    links: {
      upload: row.type === 'bits' ? { path: `/v3/packages/${row.guid}/upload`, method: 'POST' } : null,
      download: row.type === 'bits' ? `/v3/packages/${row.guid}/download` : null,
      app: `/v3/apps/${row.app_guid}`,
    },
  }),
})
