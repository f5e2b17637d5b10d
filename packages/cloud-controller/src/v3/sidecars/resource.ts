import { z } from 'zod'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { one, whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

export const sidecars = resource({
  singular: 'Sidecar',
  type: 'sidecar',
  path: '/v3/sidecars',
  table: 'sidecars',
  hasMetadata: false,
  fields: () =>
    z.object({
      name: z.string(),
      command: z.string(),
      process_types: z.array(z.string()),
      memory_in_mb: whole.nullable(),
      origin: z.enum(['user', 'buildpack']),
      relationships: z.object({ app: one }),
    }),
  select: (db) =>
    db
      .selectFrom('sidecars')
      .innerJoin('apps', 'apps.guid', 'sidecars.app_guid')
      .selectAll('sidecars')
      .select('apps.space_guid'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  present: (sidecar) => ({
    fields: {
      name: sidecar.name,
      command: sidecar.command,
      process_types: JSON.parse(sidecar.process_types),
      memory_in_mb: sidecar.memory_in_mb,
      origin: sidecar.origin,
      relationships: { app: { data: { guid: sidecar.app_guid } } },
    },
  }),
})
