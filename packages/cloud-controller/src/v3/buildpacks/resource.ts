import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { whole } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Buildpacks: everybody sees all of them. */
export const buildpacks = resource({
  singular: 'Buildpack',
  type: 'buildpack',
  path: '/v3/buildpacks',
  table: 'buildpacks',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      stack: z.string().nullable(),
      state: z.enum(['AWAITING_UPLOAD', 'READY']),
      lifecycle: z.enum(['buildpack', 'cnb']),
      filename: z.string().nullable(),
      position: whole,
      enabled: z.boolean(),
      locked: z.boolean(),
    }),
  select: (db: Db) => db.selectFrom('buildpacks').selectAll('buildpacks'),
  readableBy: (query) => query,
  filters: {
    names: (query, names) => query.where('buildpacks.name', 'in', names),
    // An empty value means "no stack" (semantics, section 4).
    stacks: (query, stacks) =>
      query.where((eb) =>
        eb.or([
          eb('buildpacks.stack', 'in', stacks),
          ...(stacks.includes('') ? [eb('buildpacks.stack', 'is', null)] : []),
        ]),
      ),
    lifecycle: {
      parse: ([value], faults) => {
        if (value !== 'buildpack' && value !== 'cnb') faults.push('Lifecycle must be either "buildpack" or "cnb"')
      },
      narrow: (query, [lifecycle]) => query.where('buildpacks.lifecycle', '=', lifecycle as 'buildpack' | 'cnb'),
    },
  },
  orderBy: { position: 'buildpacks.position', lifecycle: 'buildpacks.lifecycle' },
  defaultOrder: ['buildpacks.lifecycle', 'buildpacks.position'],
  present: (buildpack) => ({
    fields: {
      name: buildpack.name,
      stack: buildpack.stack,
      state: buildpack.filename === null ? ('AWAITING_UPLOAD' as const) : ('READY' as const),
      lifecycle: buildpack.lifecycle,
      filename: buildpack.filename,
      position: buildpack.position,
      enabled: buildpack.enabled === 1,
      locked: buildpack.locked === 1,
    },
    links: { upload: { path: `/v3/buildpacks/${buildpack.guid}/upload`, method: 'POST' } },
  }),
})
