import { type DocumentedOperation, documentedOperations, operationKey } from './documented-operations.ts'
import type { OperationCase } from './operation-cases.ts'
import { permissionsInCode } from './permissions-in-code.ts'
import type { Who } from './role-table.ts'

/** Where the roles of the caller are: in the organization that the resource belongs to, in another one, or in its own that is suspended. */
export const places = ['own', 'foreign', 'suspended'] as const
export type Place = (typeof places)[number]

const documented = new Map(documentedOperations.map((one) => [operationKey(one.method, one.path), one]))

/** With the roles that the code permits. Throws for what no document knows. */
function documentedOperation(operation: string): DocumentedOperation {
  const [method = '', path = ''] = operation.split(' ')
  const found = documented.get(operationKey(method, path))
  if (!found) throw new Error(`${operation} is not documented`)
  return { ...found, permitted: permissionsInCode[operation] ?? found.permitted }
}

/** Collections that are nobody's: everyone with a token sees them. */
const ownerless = new Set([
  'buildpacks',
  'environment_variable_groups',
  'feature_flags',
  'jobs',
  'organization_quotas',
  'resource_matches',
  'stacks',
])

const readsEverything = (who: Who): boolean => who === 'admin' || who === 'admin_read_only' || who === 'global_auditor'

/** `apps` of `GET /v3/apps/:guid/builds`. */
export const collectionOf = (operation: string): string => operation.split('/')[2] ?? ''

/** Whether the operation lists a whole collection, of which everyone gets what it sees. */
export const isList = (operation: string): boolean => /^GET \/v3\/\w+$/.test(operation)

/** Who sees a resource of the collection: whom the documents permit to get it. */
export function sees(collection: string, who: Who, place: Place): boolean {
  if (who === 'unauthenticated') return false
  if (readsEverything(who) || ownerless.has(collection)) return true
  if (place === 'foreign' || who === 'no_role') return false
  const { permitted } = documentedOperation(`GET /v3/${collection}/:guid`)
  return typeof permitted === 'string' || permitted.includes(who)
}

/** The status that the documents give `who`, by the rule of 401, 403 and 404 (semantics, section 8). */
export function expectedStatus(operation: string, tried: OperationCase, who: Who, place: Place): number {
  if (who === 'unauthenticated') return 401
  const { statuses, permitted } = documentedOperation(operation)
  const success = tried.success ?? statuses[0] ?? 0
  if (isList(operation)) return success
  const collection = tried.within ?? collectionOf(operation)
  const isWrite = !operation.startsWith('GET ')
  if (isWrite && (who === 'admin_read_only' || who === 'global_auditor')) return 403
  const isVisible = sees(collection, who, place)
  const isPermitted =
    typeof permitted === 'string' ? isVisible : permitted.includes(who) && (who === 'admin' || isVisible)
  if (isPermitted) {
    const isBound = isWrite && place === 'suspended' && who !== 'admin' && !ownerless.has(collection)
    return isBound ? (tried.suspended ?? 403) : success
  }
  return isVisible ? (tried.refused ?? 403) : (tried.hidden ?? 404)
}
