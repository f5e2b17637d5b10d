import { z } from 'zod'
import type { Db, Row } from '../../db/schema.ts'
import { spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { many } from '../kit/answer-fields.ts'
import { relatedGuids } from '../kit/related-guids.ts'
import { resource } from '../kit/resource.ts'

type Lifecycle = Row<'security_group_spaces'>['lifecycle']

/** Seen by everybody when it is enabled globally, else by who sees a space that it is bound to. */
export const securityGroups = resource({
  singular: 'Security group',
  type: 'security_group',
  path: '/v3/security_groups',
  table: 'security_groups',
  hasMetadata: false,
  fields: () =>
    z.object({
      name: z.string(),
      rules: z.array(z.record(z.string(), z.unknown())),
      globally_enabled: z.object({ running: z.boolean(), staging: z.boolean() }),
      relationships: z.object({ running_spaces: many, staging_spaces: many }),
    }),
  select: (db: Db) => db.selectFrom('security_groups').selectAll('security_groups'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb('security_groups.running_default', '=', 1),
            eb('security_groups.staging_default', '=', 1),
            eb(
              'security_groups.guid',
              'in',
              db
                .selectFrom('security_group_spaces')
                .select('security_group_spaces.security_group_guid')
                .where('security_group_spaces.space_guid', 'in', spaceGuidsReadBy(db, caller)),
            ),
          ]),
        ),
  filters: {
    names: (query, names) => query.where('security_groups.name', 'in', names),
    running_space_guids: (query, guids, db) =>
      query.where('security_groups.guid', 'in', boundTo(db, 'running').where('space_guid', 'in', guids)),
    staging_space_guids: (query, guids, db) =>
      query.where('security_groups.guid', 'in', boundTo(db, 'staging').where('space_guid', 'in', guids)),
    globally_enabled_running: {
      boolean: (query, isEnabled) => query.where('security_groups.running_default', '=', isEnabled ? 1 : 0),
    },
    globally_enabled_staging: {
      boolean: (query, isEnabled) => query.where('security_groups.staging_default', '=', isEnabled ? 1 : 0),
    },
  },
  load: async (db, groups, { caller }) => {
    const bindings = bindingsOf(db, groups)
    return spacesByLifecycle(
      await (caller.readsGlobally
        ? bindings
        : bindings.where('space_guid', 'in', spaceGuidsReadBy(db, caller))
      ).execute(),
    )
  },
  present: (group, { running, staging }) => ({
    fields: {
      name: group.name,
      rules: JSON.parse(group.rules),
      globally_enabled: { running: group.running_default === 1, staging: group.staging_default === 1 },
      relationships: {
        running_spaces: { data: running.get(group.guid) ?? [] },
        staging_spaces: { data: staging.get(group.guid) ?? [] },
      },
    },
  }),
})

/** The same as a space shows them: of the bound spaces only this one is told. */
export function securityGroupsIn(spaceGuid: string): typeof securityGroups {
  return {
    ...securityGroups,
    load: async (db, groups) =>
      spacesByLifecycle(await bindingsOf(db, groups).where('space_guid', '=', spaceGuid).execute()),
  }
}

/** Guids of the groups that are bound to some space for running or staging. */
export function boundTo(db: Db, lifecycle: Lifecycle) {
  return db
    .selectFrom('security_group_spaces')
    .select('security_group_spaces.security_group_guid')
    .where('security_group_spaces.lifecycle', '=', lifecycle)
}

function bindingsOf(db: Db, groups: ReadonlyArray<Pick<Row<'security_groups'>, 'guid'>>) {
  return db
    .selectFrom('security_group_spaces')
    .select(['security_group_guid as owner', 'space_guid as guid', 'lifecycle'])
    .where(
      'security_group_guid',
      'in',
      groups.map(({ guid }) => guid),
    )
    .orderBy('space_guid')
}

function spacesByLifecycle(rows: ReadonlyArray<{ owner: string; guid: string; lifecycle: Lifecycle }>) {
  const of = (lifecycle: Lifecycle) => relatedGuids(rows.filter((row) => row.lifecycle === lifecycle))
  return { running: of('running'), staging: of('staging') }
}
