import { Hono } from 'hono'
import { actorOf } from '../../actions/audit-events.ts'
import { requireFeature } from '../../actions/feature-flags.ts'
import { createRole, hasSpaceRoles, lacksOrganizationRole, type NewRole } from '../../actions/roles.ts'
import type { Row } from '../../db/schema.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireInSpace, requireWritableOrganization } from '../../permissions/guards.ts'
import { jsonObject } from '../kit/body.ts'
import { answers, answersJob, lists, shows, takes } from '../kit/operation.ts'
import { find, findReadable, reread } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { users } from '../users/resource.ts'
import { RoleCreate, type RoleMessage } from './messages.ts'
import { roles } from './resource.ts'
import { guidByUsername, roleUser } from './role-holder.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/roles_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/roles', lists(roles, { faultsAs: 'unprocessable' }))
routes.get('/v3/roles/:guid', shows(roles, { faultsAs: 'unprocessable' }))

routes.post('/v3/roles', takes(RoleCreate), answers(201, roles), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message()
  const role =
    'spaceGuid' in message.place
      ? await newSpaceRole(c, message, message.place.spaceGuid)
      : await newOrganizationRole(c, message, message.place.organizationGuid)
  const request = await jsonObject(c)
  const guid = await db.transaction().execute((trx) => createRole(trx, actorOf(caller), { ...role, request }))
  return c.var.answer(guid)
})

async function newSpaceRole(
  c: RequestContext,
  { type, holder }: RoleMessage,
  spaceGuid: string,
): Promise<Omit<NewRole, 'request'>> {
  const { db, caller } = c.var
  const space = await db.selectFrom('spaces').selectAll().where('guid', '=', spaceGuid).executeTakeFirst()
  if (!space) throw unprocessable('Invalid space. Ensure that the space exists and you have access to it.')
  await requireInSpace(db, caller, space.guid, 'update')
  const guid = await userGuid(c, holder, lacksOrganizationRole)
  const user = await findReadable(c, users, guid)
  if (!user) throw lacksOrganizationRole()
  return { type, user: await roleUser(c, user.guid), place: { space } }
}

async function newOrganizationRole(
  c: RequestContext,
  { type, holder }: RoleMessage,
  organizationGuid: string,
): Promise<Omit<NewRole, 'request'>> {
  const { db, caller } = c.var
  const organization = await db
    .selectFrom('organizations')
    .selectAll()
    .where('guid', '=', organizationGuid)
    .executeTakeFirst()
  if (!organization)
    throw unprocessable('Invalid organization. Ensure that the organization exists and you have access to it.')
  await requireWritableOrganization(db, caller, organization)
  return { type, user: await roleUser(c, await userGuid(c, holder)), place: { organization } }
}

async function userGuid(c: RequestContext, holder: RoleMessage['holder'], noUser?: () => Error): Promise<string> {
  if ('guid' in holder) return holder.guid
  await requireFeature(c.var.db, c.var.caller, 'set_roles_by_username')
  return guidByUsername(c, holder, noUser)
}

routes.delete('/v3/roles/:guid', answersJob(), async (c) => {
  const role = await find(c, roles)
  await requireDeletable(c, role)
  const { username } = await roleUser(c, role.user_guid)
  return c.var.answer({
    operation: 'role.delete',
    resource: { type: 'role', guid: role.guid },
    payload: { actor: actorOf(c.var.caller), username },
  })
})

async function requireDeletable(c: RequestContext, role: Row<'roles'>): Promise<void> {
  const { db, caller } = c.var
  if (role.space_guid !== null) return requireInSpace(db, caller, role.space_guid, 'update')
  await requireWritableOrganization(db, caller, await reread(c, organizations, role.organization_guid))
  if (role.type === 'organization_user' && (await hasSpaceRoles(db, role)))
    throw unprocessable('Cannot delete organization_user role while user has roles in spaces in that organization.')
}
