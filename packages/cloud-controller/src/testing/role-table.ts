import assert from 'node:assert/strict'
import { organizationRoleTypes, spaceRoleTypes } from '../db/schema.ts'
import { type Client, globalScopes, type TestController } from './test-controller.ts'

/** Everybody whom an endpoint may have to tell apart. */
export const everybody = [
  'admin',
  'admin_read_only',
  'global_auditor',
  'org_manager',
  'org_auditor',
  'org_billing_manager',
  'org_user',
  'space_manager',
  'space_developer',
  'space_supporter',
  'space_auditor',
  'no_role',
  'unauthenticated',
] as const

export type Who = (typeof everybody)[number]

/** One client for each of `everybody`, with its role in this organization or space. */
export async function clientsOfAllRoles(
  controller: TestController,
  { spaceGuid, organizationGuid }: { spaceGuid: string; organizationGuid: string },
): Promise<Readonly<Record<Who, Client>>> {
  const { as, withRole, admin, anonymous } = controller
  const clients: Partial<Record<Who, Client>> = {
    admin,
    admin_read_only: await as({ scopes: [...globalScopes.adminReadOnly] }),
    global_auditor: await as({ scopes: [...globalScopes.globalAuditor] }),
    no_role: await as(),
    unauthenticated: anonymous,
  }
  for (const type of organizationRoleTypes)
    clients[type.replace('organization', 'org') as Who] = await withRole({ type, organization: organizationGuid })
  for (const type of spaceRoleTypes) clients[type] = await withRole({ type, space: spaceGuid })
  return clients as Record<Who, Client>
}

/**
 * Asks as everybody and compares the status codes. `expected` names who gets which; `otherwise` is for those who are not
 * named. The unauthenticated always get 401.
 */
export async function assertRoleTable(
  clients: Readonly<Record<Who, Client>>,
  ask: (client: Client) => Promise<{ status: number }>,
  expected: Partial<Record<Who, number>>,
  otherwise: number,
): Promise<void> {
  const found: Record<string, number> = {}
  for (const who of everybody) found[who] = (await ask(clients[who])).status
  const wanted = Object.fromEntries(
    everybody.map((who) => [who, who === 'unauthenticated' ? 401 : (expected[who] ?? otherwise)]),
  )
  assert.deepEqual(found, wanted)
}

/** Who sees what is in a space. */
export const spaceReaders = [
  'admin',
  'admin_read_only',
  'global_auditor',
  'org_manager',
  'space_manager',
  'space_developer',
  'space_supporter',
  'space_auditor',
] as const satisfies Who[]

/** Who sees routes and private domains: space readers and auditors of the organization. */
export const routeReaders = [...spaceReaders, 'org_auditor'] as const satisfies Who[]

/** The same status for several. */
export const all = (who: readonly Who[], status: number): Partial<Record<Who, number>> =>
  Object.fromEntries(who.map((name) => [name, status]))
