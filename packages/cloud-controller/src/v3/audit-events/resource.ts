import { z } from 'zod'
import type { Db, OrganizationRoleType, SpaceRoleType } from '../../db/schema.ts'
import { organizationGuidsReadBy, spaceGuidsReadBy } from '../../permissions/read-by.ts'
import { reference } from '../kit/answer-fields.ts'
import { resource } from '../kit/resource.ts'

/** Who reads what happened: managers do not (cloud_controller_ng lib/cloud_controller/permissions.rb, SPACE_ROLES_FOR_EVENTS). */
const inSpace: readonly SpaceRoleType[] = ['space_auditor', 'space_developer', 'space_supporter']
const inOrganization: readonly OrganizationRoleType[] = ['organization_auditor']

export const auditEvents = resource({
  singular: 'Event',
  type: 'audit_event',
  path: '/v3/audit_events',
  table: 'audit_events',
  hasMetadata: false,
  fields: () =>
    z.object({
      type: z.string(),
      actor: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
      target: z.object({ guid: z.string(), type: z.string(), name: z.string() }),
      data: z.record(z.string(), z.unknown()),
      space: reference.nullable(),
      organization: reference.nullable(),
    }),
  select: (db: Db) => db.selectFrom('audit_events').selectAll('audit_events'),
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb('audit_events.space_guid', 'in', spaceGuidsReadBy(db, caller, { inSpace, inOrganization: [] })),
            eb('audit_events.organization_guid', 'in', organizationGuidsReadBy(db, caller, inOrganization)),
          ]),
        ),
  filters: {
    types: (query, types) => query.where('audit_events.type', 'in', types),
    target_guids: {
      anyOf: (query, guids) => query.where('audit_events.target_guid', 'in', guids),
      noneOf: (query, guids) => query.where('audit_events.target_guid', 'not in', guids),
    },
    space_guids: (query, guids) => query.where('audit_events.space_guid', 'in', guids),
    organization_guids: (query, guids) => query.where('audit_events.organization_guid', 'in', guids),
  },
  present: (event) => ({
    fields: {
      type: event.type,
      actor: { guid: event.actor_guid, type: event.actor_type, name: event.actor_name },
      target: { guid: event.target_guid, type: event.target_type, name: event.target_name },
      data: JSON.parse(event.data),
      space: event.space_guid === null ? null : { guid: event.space_guid },
      organization: event.organization_guid === null ? null : { guid: event.organization_guid },
    },
  }),
})
