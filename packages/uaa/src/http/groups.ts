import { Hono } from 'hono'
import type { UaaContext } from '../context.ts'
import { invalidScimResource, memberAlreadyExists } from '../errors.ts'
import { compileQuery } from '../scim/filter-sql.ts'
import { GroupMessage, groupAttributes, MemberMessage, presentGroup, presentMember } from '../scim/group-resource.ts'
import { pageOf, presentList, readListRequest } from '../scim/listing.ts'
import type { Group } from '../store/groups.ts'
import { requireScope } from './caller.ts'
import { readJson } from './request-body.ts'
import { requiredVersion, setVersion } from './resource-version.ts'

/** /Groups (uaa: ScimGroupEndpoints.java). */
export function groupRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  const { store, logger } = context
  const presented = (group: Group) => presentGroup(group, store.groups.members(group.id))

  routes.get('/Groups', async (c) => {
    await requireScope(context, c, 'scim.read')
    const request = readListRequest(c.req.query())
    const { groups, total } = store.groups.list(compileQuery(groupAttributes, request), pageOf(request))
    return c.json(presentList(request, groups.map(presented), total))
  })

  routes.post('/Groups', async (c) => {
    await requireScope(context, c, 'scim.write')
    const message = await readJson(c, GroupMessage)
    const group = store.transaction(() => {
      const created = store.groups.create(message.displayName, message.description ?? null, context.now())
      for (const member of message.members ?? []) addMember(created, member)
      return created
    })
    logger.info({ group: group.display_name }, 'created a group')
    setVersion(c, group.version)
    return c.json(presented(group), 201)
  })

  routes.get('/Groups/:id', async (c) => {
    await requireScope(context, c, 'scim.read')
    const group = store.groups.get(c.req.param('id'))
    setVersion(c, group.version)
    return c.json(presented(group))
  })

  /** Replaces the members too: `uaac member add` works this way. */
  routes.put('/Groups/:id', async (c) => {
    await requireScope(context, c, 'scim.write', 'groups.update')
    const current = store.groups.get(c.req.param('id'))
    const version = requiredVersion(c, current.version)
    const message = await readJson(c, GroupMessage)
    const group = store.transaction(() => {
      const description = message.description ?? null
      const updated = store.groups.update(
        current.id,
        { displayName: message.displayName, description, version },
        context.now(),
      )
      store.groups.removeMembers(updated.id)
      for (const member of message.members ?? []) addMember(updated, member)
      return updated
    })
    logger.info({ group: group.display_name }, 'replaced the members of a group')
    setVersion(c, group.version)
    return c.json(presented(group))
  })

  routes.delete('/Groups/:id', async (c) => {
    await requireScope(context, c, 'scim.write')
    const group = store.groups.get(c.req.param('id'))
    const body = presented(group)
    store.transaction(() => store.groups.delete(group.id))
    logger.info({ group: group.display_name }, 'deleted a group')
    return c.json(body)
  })

  routes.get('/Groups/:id/members', async (c) => {
    await requireScope(context, c, 'scim.read')
    const group = store.groups.get(c.req.param('id'))
    return c.json(store.groups.members(group.id).map(presentMember))
  })

  routes.post('/Groups/:id/members', async (c) => {
    await requireScope(context, c, 'scim.write', 'groups.update')
    const group = store.groups.get(c.req.param('id'))
    const message = await readJson(c, MemberMessage)
    addMember(group, message)
    logger.info({ group: group.display_name, memberId: message.value }, 'added a member to a group')
    return c.json(presentMember(store.groups.member(group.id, message.value)), 201)
  })

  routes.get('/Groups/:id/members/:memberId', async (c) => {
    await requireScope(context, c, 'scim.read')
    const group = store.groups.get(c.req.param('id'))
    return c.json(presentMember(store.groups.member(group.id, c.req.param('memberId'))))
  })

  routes.delete('/Groups/:id/members/:memberId', async (c) => {
    await requireScope(context, c, 'scim.write', 'groups.update')
    const group = store.groups.get(c.req.param('id'))
    const member = store.groups.member(group.id, c.req.param('memberId'))
    store.groups.removeMember(group.id, member.member_id)
    logger.info({ group: group.display_name, memberId: member.member_id }, 'removed a member from a group')
    return c.json(presentMember(member))
  })

  /** Throws UaaError 400 for nobody, and 409 for a default group or for one who is a member already. */
  function addMember(group: Group, { value, type }: MemberMessage): void {
    if (context.config.defaultGroups.includes(group.display_name)) {
      throw memberAlreadyExists('Trying to add member to default group')
    }
    if (value === group.id) throw invalidScimResource('trying to nest group within itself, aborting')
    const exists = type === 'USER' ? store.users.find(value) : store.groups.find(value)
    if (!exists) throw invalidScimResource(`Invalid group member: ${value}`)
    store.groups.addMember(group.id, value, type)
  }
  return routes
}
