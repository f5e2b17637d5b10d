import { sql } from 'kysely'
import { z } from 'zod'
import type { Db } from '../../db/schema.ts'
import { organizationRoleTypes } from '../../db/schema.ts'
import { organizationGuidsReadBy } from '../../permissions/read-by.ts'
import type { UserDirectory } from '../../uaa/user-directory.ts'
import { resource } from '../kit/resource.ts'

/** Users as the database knows them; names and origins are asked of UAA whenever they are shown or filtered by. */
export const users = resource({
  singular: 'User',
  type: 'user',
  path: '/v3/users',
  table: 'users',
  hasMetadata: true,
  fields: () =>
    z.object({
      username: z.string().nullable(),
      presentation_name: z.string(),
      origin: z.string().nullable(),
    }),
  select: (db: Db) => db.selectFrom('users').selectAll('users'),
  /** Oneself, and who has a role in an organization in which one has a role. */
  readableBy: (query, caller, db) =>
    caller.readsGlobally
      ? query
      : query.where((eb) =>
          eb.or([
            eb('users.guid', '=', caller.userGuid),
            eb(
              'users.guid',
              'in',
              db
                .selectFrom('roles')
                .select('roles.user_guid')
                .where('roles.type', 'in', organizationRoleTypes)
                .where('roles.organization_guid', 'in', organizationGuidsReadBy(db, caller)),
            ),
          ]),
        ),
  filters: {
    usernames: (query) => query, // answered by UAA: `narrow`
    partial_usernames: (query) => query,
    origins: (query) => query,
  },
  filterFaults: (filters) => [
    ...(filters.has('origins') && !filters.has('usernames') && !filters.has('partial_usernames')
      ? ['Origins filter cannot be provided without usernames or partial_usernames filter.']
      : []),
    ...(filters.has('usernames') && filters.has('partial_usernames')
      ? ['Usernames filter cannot be provided with both usernames and partial_usernames filter.']
      : []),
  ],
  narrow: async (filters, { userDirectory }) => {
    const guids = await guidsNamed(userDirectory, filters)
    if (guids === undefined) return (query) => query
    // An empty list is no SQL on every database.
    return (query) => (guids.length === 0 ? query.where(sql<boolean>`1 = 0`) : query.where('users.guid', 'in', guids))
  },
  load: (_db, rows, { userDirectory }) => userDirectory.byGuids(rows.map((user) => user.guid)),
  present: ({ guid }, inUaa) => {
    const known = inUaa.get(guid)
    return {
      fields: {
        username: known?.username ?? null,
        presentation_name: known?.username ?? guid,
        origin: known?.origin ?? null,
      },
      // The guid of a client is its name, which may hold anything.
      links: { self: `/v3/users/${encodeURIComponent(guid)}` },
    }
  },
})

async function guidsNamed(
  directory: UserDirectory,
  filters: ReadonlyMap<string, readonly string[]>,
): Promise<string[] | undefined> {
  const names = filters.get('usernames')
  const texts = filters.get('partial_usernames')
  const origins = filters.get('origins')
  if (names) return (await directory.byUsernames(names, origins)).map(({ guid }) => guid)
  if (texts) return (await directory.byPartialUsernames(texts, origins)).map(({ guid }) => guid)
  return undefined
}
