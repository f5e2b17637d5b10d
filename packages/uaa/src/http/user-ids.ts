import { Hono } from 'hono'
import type { UaaContext } from '../context.ts'
import { scimFault } from '../errors.ts'
import { type Filter, FilterSyntaxError, parseFilter } from '../scim/filter.ts'
import { compileQuery } from '../scim/filter-sql.ts'
import { pageOf, presentList, readListRequest } from '../scim/listing.ts'
import { userAttributes } from '../scim/user-resource.ts'
import { requireScope } from './caller.ts'
import { readForm } from './request-body.ts'

/**
 * /ids/Users: ids and names of users who are known by the one or the other, for components that must not read more
 * (uaa: UserIdConversionEndpoints.java).
 */
export function userIdRoutes(context: UaaContext): Hono {
  const routes = new Hono()
  routes.on(['GET', 'POST'], '/ids/Users', async (c) => {
    await requireScope(context, c, 'scim.userids')
    const {
      filter = '',
      sortOrder,
      startIndex,
      count,
      includeInactive,
    } = {
      ...c.req.query(),
      ...(c.req.method === 'POST' ? await readForm(c) : {}),
    } as Readonly<Record<string, string>>
    requireLookUp(filter)
    const request = readListRequest({
      filter: includeInactive === 'true' ? filter : `(${filter}) and active eq true`,
      sortBy: 'userName',
      ...(sortOrder === undefined ? {} : { sortOrder }),
      ...(startIndex === undefined ? {} : { startIndex }),
      ...(count === undefined ? {} : { count }),
    })
    const { users, total } = context.store.users.list(compileQuery(userAttributes, request), pageOf(request))
    const resources = users.map((user) => ({ origin: user.origin, id: user.id, userName: user.user_name }))
    return c.json(presentList(request, resources, total))
  })
  return routes
}

/** Only what is known can be asked for: equality, with an id or a name somewhere. Throws UaaError 400. */
function requireLookUp(filter: string): void {
  if (filter.trim() === '') throw scimFault("a 'filter' parameter is required")
  let parsed: Filter
  try {
    parsed = parseFilter(filter)
  } catch (error) {
    if (error instanceof FilterSyntaxError) throw scimFault(`Invalid filter '${filter}'`)
    throw error
  }
  if (!namesAUser(parsed)) throw scimFault('Invalid filter attribute.')
}

function namesAUser(filter: Filter): boolean {
  if (filter.kind === 'logical') {
    return filter.operands.map(namesAUser).some(Boolean)
  }
  if (filter.kind === 'present' || filter.operator === 'co' || filter.operator === 'sw') {
    throw scimFault('Wildcards are not allowed in filter.')
  }
  if (filter.operator !== 'eq') throw scimFault('Invalid operator.')
  const attribute = filter.attribute.toLowerCase()
  if (attribute === 'id' || attribute === 'username') return true
  if (attribute === 'origin') return false
  throw scimFault('Invalid filter attribute.')
}
