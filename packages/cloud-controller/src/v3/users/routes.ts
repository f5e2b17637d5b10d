import { type Context, Hono } from 'hono'
import { createUser, updateUser } from '../../actions/users.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { acceptJob } from '../kit/accepted.ts'
import { body } from '../kit/body.ts'
import { presented } from '../kit/present.ts'
import { find, list, reread, show } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { UserCreate, UserUpdate } from './messages.ts'
import { users } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/users_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/users', (c) => list(c, users, { faultsAs: 'unprocessable' }))
routes.get('/v3/users/:guid', (c) => show(c, users))

routes.get('/v3/organizations/:guid/users', async (c) => {
  const organization = await find(c, organizations)
  const members = c.var.db
    .selectFrom('roles')
    .select('roles.user_guid')
    .where('roles.organization_guid', '=', organization.guid)
  return list(c, users, { where: (query) => query.where('users.guid', 'in', members) })
})

routes.get('/v3/spaces/:guid/users', async (c) => {
  const space = await find(c, spaces)
  const members = c.var.db.selectFrom('roles').select('roles.user_guid').where('roles.space_guid', '=', space.guid)
  return list(c, users, { where: (query) => query.where('users.guid', 'in', members) })
})

routes.post('/v3/users', async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const { guid: givenGuid, username, origin, metadata } = await body(c, UserCreate)
  const guid = givenGuid ?? (await guidInUaa(c, username ?? '', origin ?? ''))
  const taken = givenGuid
    ? `User with guid '${givenGuid}' already exists.`
    : `User with username '${username}' and origin '${origin}' already exists.`
  await db.transaction().execute((trx) => createUser(trx, { guid, metadata }, () => unprocessable(taken)))
  return c.json(await presented(c, users, await reread(c, users, guid)), 201)
})

/** The user's guid in UAA; one of another identity provider that UAA has not seen yet gets its account now. */
async function guidInUaa(c: Context<WorkerEnv>, username: string, origin: string): Promise<string> {
  const { userDirectory } = c.var
  const [known] = await userDirectory.byUsernames([username], [origin])
  return known?.guid ?? userDirectory.createShadowUser(username, origin)
}

routes.patch('/v3/users/:guid', async (c) => {
  const { db, caller } = c.var
  const { guid } = await find(c, users) // 404 before 422: CC looks up before it parses
  requireAdmin(caller)
  const { metadata } = await body(c, UserUpdate)
  await db.transaction().execute((trx) => updateUser(trx, guid, metadata))
  return c.json(await presented(c, users, await reread(c, users, guid)))
})

routes.delete('/v3/users/:guid', async (c) => {
  const { guid } = await find(c, users)
  requireAdmin(c.var.caller)
  return acceptJob(c, { operation: 'user.delete', resource: { type: 'user', guid } })
})
