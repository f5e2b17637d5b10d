import { z } from 'zod'
import { obfuscatedUrl } from '../../actions/app-events.ts'
import { type LifecycleType, lifecycleTypes } from '../../actions/app-lifecycle.ts'
import type { Db, Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { lifecycle, one } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'
import { includedOrganizations, includedSpaces, includedSpacesAndOrganizations } from './included.ts'

export const apps = resource({
  singular: 'App',
  type: 'app',
  path: '/v3/apps',
  table: 'apps',
  hasMetadata: true,
  fields: () =>
    z.object({
      name: z.string(),
      state: z.enum(['STARTED', 'STOPPED']),
      lifecycle,
      relationships: z.object({
        space: one,
        current_droplet: z.object({ data: z.object({ guid: z.string().nullable() }) }),
      }),
    }),
  select: (db: Db) => db.selectFrom('apps').selectAll('apps'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally ? query : query.where('apps.space_guid', 'in', spaceGuidsReadBy(db, caller)),
  filters: {
    names: (query, names) => query.where('apps.name', 'in', names),
    organization_guids: (query, guids, db) =>
      query.where(
        'apps.space_guid',
        'in',
        db.selectFrom('spaces').select('spaces.guid').where('spaces.organization_guid', 'in', guids),
      ),
    space_guids: (query, guids) => query.where('apps.space_guid', 'in', guids),
    /** An empty value: apps without a stack. */
    stacks: (query, stacks) =>
      query.where((eb) =>
        eb.or([
          eb('apps.lifecycle_stack', 'in', stacks),
          ...(stacks.includes('') ? [eb('apps.lifecycle_stack', 'is', null)] : []),
        ]),
      ),
    lifecycle_type: {
      parse: ([type = ''], faults) => {
        if (!lifecycleTypes.some((known) => known === type)) faults.push(`Invalid lifecycle_type: '${type}'`)
      },
      narrow: (query, types) => query.where('apps.lifecycle_type', 'in', types as LifecycleType[]),
    },
  },
  orderBy: { name: 'apps.name', state: 'apps.desired_state' },
  include: {
    space: includedSpaces,
    org: includedOrganizations,
    'space.organization': includedSpacesAndOrganizations,
  },
  present: (app) => ({
    fields: {
      name: app.name,
      state: app.desired_state,
      lifecycle: presentedLifecycle(app),
      relationships: {
        space: { data: { guid: app.space_guid } },
        current_droplet: { data: { guid: app.droplet_guid } },
      },
    },
    links: appLinks(app),
  }),
})

/** `lifecycle` as clients see it, for everything that has one. */
export function presentedLifecycle(
  row: Pick<Row<'apps'>, 'lifecycle_type' | 'lifecycle_buildpacks' | 'lifecycle_stack'>,
) {
  if (row.lifecycle_type === 'docker') return { type: row.lifecycle_type, data: {} }
  const buildpacks: string[] = JSON.parse(row.lifecycle_buildpacks)
  return {
    type: row.lifecycle_type,
    data: { buildpacks: buildpacks.map(obfuscatedUrl), stack: row.lifecycle_stack },
  }
}

function appLinks({ guid, space_guid }: Row<'apps'>) {
  const path = `/v3/apps/${guid}`
  const action = (name: string) => ({ path: `${path}/actions/${name}`, method: 'POST' })
  return {
    environment_variables: `${path}/environment_variables`,
    space: `/v3/spaces/${space_guid}`,
    processes: `${path}/processes`,
    packages: `${path}/packages`,
    current_droplet: `${path}/droplets/current`,
    droplets: `${path}/droplets`,
    tasks: `${path}/tasks`,
    start: action('start'),
    stop: action('stop'),
    clear_buildpack_cache: action('clear_buildpack_cache'),
    revisions: `${path}/revisions`,
    deployed_revisions: `${path}/revisions/deployed`,
    features: `${path}/features`,
  }
}
