import { Hono } from 'hono'
import { z } from 'zod'
import type { UaaContext } from '../context.ts'
import { accountLocked, invalidPassword, invalidSelfEdit, unauthorized } from '../errors.ts'
import { requireAcceptablePassword } from '../passwords/password-policy.ts'
import { isWellKnownSecret } from '../passwords/well-known-secrets.ts'
import { compileQuery } from '../scim/filter-sql.ts'
import { pageOf, presentList, readListRequest } from '../scim/listing.ts'
import { patchedMessage, presentUser, profileOf, UserMessage, userAttributes } from '../scim/user-resource.ts'
import type { Group } from '../store/groups.ts'
import type { NewPassword, User, UserProfile } from '../store/users.ts'
import type { Caller } from '../tokens/verify.ts'
import { hasScope, requireScope, requireScopeOrSelf } from './caller.ts'
import { readJson } from './request-body.ts'
import { requiredVersion, setVersion } from './resource-version.ts'

const PasswordChange = z.object({ oldPassword: z.string().nullish(), password: z.string() })

/** /Users (uaa: ScimUserEndpoints.java, PasswordChangeEndpoint.java). */
export function userRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  const { store, logger } = context

  const defaultGroups = () =>
    context.config.defaultGroups.map((name) => store.groups.findByName(name)).filter((g): g is Group => g !== undefined)
  const presented = (user: User, defaults = defaultGroups()) =>
    presentUser(user, { memberships: store.groups.groupsOf(user.id), defaults })

  routes.get('/Users', async (c) => {
    await requireScope(context, c, 'scim.read')
    const request = readListRequest(c.req.query())
    const { users, total } = store.users.list(compileQuery(userAttributes, request), pageOf(request))
    const defaults = defaultGroups()
    return c.json(
      presentList(
        request,
        users.map((user) => presented(user, defaults)),
        total,
      ),
    )
  })

  routes.post('/Users', async (c) => {
    await requireScope(context, c, 'scim.write', 'scim.create')
    const message = await readJson(c, UserMessage)
    const profile = profileOf(message)
    const password = profile.origin === 'uaa' ? await newPassword(message.password ?? '', profile.user_name) : null
    const user = store.users.create(profile, password, context.now())
    logger.info({ userId: user.id, origin: user.origin }, 'created a user')
    setVersion(c, user.version)
    return c.json(presented(user), 201)
  })

  routes.get('/Users/:id', async (c) => {
    const id = c.req.param('id')
    await requireScopeOrSelf(context, c, id, 'scim.read')
    const user = store.users.get(id)
    setVersion(c, user.version)
    return c.json(presented(user))
  })

  routes.put('/Users/:id', async (c) => {
    const id = c.req.param('id')
    const caller = await requireScopeOrSelf(context, c, id, 'scim.write')
    const user = store.users.get(id)
    const version = requiredVersion(c, user.version)
    const profile = profileOf(await readJson(c, UserMessage))
    requireEditable(caller, user, profile)
    const updated = store.users.update(id, profile, version, context.now())
    setVersion(c, updated.version)
    return c.json(presented(updated))
  })

  routes.patch('/Users/:id', async (c) => {
    const id = c.req.param('id')
    const caller = await requireScopeOrSelf(context, c, id, 'scim.write')
    const user = store.users.get(id)
    const version = requiredVersion(c, user.version)
    const profile = profileOf(patchedMessage(user, await readJson(c, UserMessage)))
    requireEditable(caller, user, profile)
    const updated = store.users.update(id, profile, version, context.now())
    setVersion(c, updated.version)
    return c.json(presented(updated))
  })

  routes.delete('/Users/:id', async (c) => {
    await requireScope(context, c, 'scim.write')
    const user = store.users.get(c.req.param('id'))
    const body = presented(user)
    store.users.delete(user.id)
    logger.info({ userId: user.id }, 'deleted a user')
    setVersion(c, user.version)
    return c.json(body)
  })

  routes.put('/Users/:id/password', async (c) => {
    const id = c.req.param('id')
    const caller = await requireScope(context, c, 'password.write')
    const change = await readJson(c, PasswordChange)
    const user = store.users.find(id)
    await requirePasswordChangeAllowed(caller, id, user, change.oldPassword ?? '')
    if (user?.origin !== 'uaa') throw unauthorized('Invalid password change request')
    if (await context.hasher.matches(change.password, user.password_hash)) {
      throw invalidPassword('Your new password cannot be the same as the old password.', 422)
    }
    store.users.setPassword(id, await newPassword(change.password, user.user_name), context.now())
    logger.info({ userId: id }, 'changed a password')
    return c.json({ status: 'ok', message: 'password updated' })
  })

  async function newPassword(password: string, userName: string): Promise<NewPassword> {
    requireAcceptablePassword(context.passwordPolicy, password, userName)
    return { hash: await context.hasher.hash(password), isWellKnown: isWellKnownSecret(password, userName) }
  }

  /**
   * A client may set anybody's password, an admin of the UAA too (but must prove to know the own), a user only the own.
   * The old password is checked under the same guard as a login: a stolen token is no way to guess it.
   */
  async function requirePasswordChangeAllowed(caller: Caller, id: string, user: User | undefined, oldPassword: string) {
    if (!caller.user) return
    const isSelf = caller.user.id === id
    if (!isSelf) {
      if (caller.scopes.has('uaa.admin')) return
      throw invalidPassword("Not permitted to change another user's password", 400)
    }
    if (oldPassword === '') throw invalidPassword('Previous password is required', 400)
    const outcome = await context.guard.attempt(id, () =>
      context.hasher.matches(oldPassword, user?.password_hash ?? null),
    )
    if (outcome === 'locked') throw accountLocked()
    if (outcome === 'wrong') throw unauthorized('Old password is incorrect')
  }
  return routes
}

/** Without scim.write, users may change nothing of themselves but their names. */
function requireEditable(caller: Caller, user: User, profile: UserProfile): void {
  if (hasScope(caller, 'scim.write')) return
  const { given_name: _given, family_name: _family, ...rest } = profile
  for (const [key, value] of Object.entries(rest)) {
    if (user[key as keyof typeof rest] !== value) throw invalidSelfEdit()
  }
}
