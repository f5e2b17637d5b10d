import { Hono } from 'hono'
import { createUser } from '../../actions/users.ts'
import { unprocessable } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireAdmin } from '../../permissions/guards.ts'
import { saveMetadata } from '../kit/metadata.ts'
import { answers, answersJob, lists, shows, takes } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { organizations } from '../organizations/resource.ts'
import { spaces } from '../spaces/resource.ts'
import { UserCreate, UserUpdate } from './messages.ts'
import { users } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/users_controller.rb. */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/users', lists(users, { faultsAs: 'unprocessable' }))
routes.get('/v3/users/:guid', shows(users))

routes.get(
  '/v3/organizations/:guid/users',
  lists(users, {
    perRequest: async (c) => {
      const organization = await find(c, organizations)
      const members = c.var.db
        .selectFrom('roles')
        .select('roles.user_guid')
        .where('roles.organization_guid', '=', organization.guid)
      return { where: (query) => query.where('users.guid', 'in', members) }
    },
  }),
)

routes.get(
  '/v3/spaces/:guid/users',
  lists(users, {
    perRequest: async (c) => {
      const space = await find(c, spaces)
      const members = c.var.db.selectFrom('roles').select('roles.user_guid').where('roles.space_guid', '=', space.guid)
      return { where: (query) => query.where('users.guid', 'in', members) }
    },
  }),
)

routes.post('/v3/users', takes(UserCreate), answers(201, users), async (c) => {
  const { db, caller } = c.var
  requireAdmin(caller)
  const { guid: givenGuid, username, origin, metadata } = await c.var.message()
  const guid = givenGuid ?? (await guidInUaa(c, username ?? '', origin ?? ''))
  const taken = givenGuid
    ? `User with guid '${givenGuid}' already exists.`
    : `User with username '${username}' and origin '${origin}' already exists.`
  await db.transaction().execute((trx) => createUser(trx, { guid, metadata }, () => unprocessable(taken)))
  return c.var.answer(guid)
})

/** The user's guid in UAA; one of another identity provider that UAA has not seen yet gets its account now. */
async function guidInUaa(c: RequestContext, username: string, origin: string): Promise<string> {
  const { userDirectory } = c.var
  const [known] = await userDirectory.byUsernames([username], [origin])
  return known?.guid ?? userDirectory.createShadowUser(username, origin)
}

routes.patch('/v3/users/:guid', takes(UserUpdate), answers(200, users), async (c) => {
  const { db, caller } = c.var
  const { guid } = await find(c, users) // 404 before 422: CC looks up before it parses
  requireAdmin(caller)
  const { metadata } = await c.var.message()
  await db.transaction().execute((trx) => saveMetadata(trx, { type: 'user', guid }, metadata))
  return c.var.answer(guid)
})

routes.delete('/v3/users/:guid', answersJob(), async (c) => {
  const { guid } = await find(c, users)
  requireAdmin(c.var.caller)
  return c.var.answer({ operation: 'user.delete', resource: { type: 'user', guid } })
})
