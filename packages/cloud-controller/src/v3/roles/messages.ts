import { z } from 'zod'
import { organizationRoleTypes, type RoleType, spaceRoleTypes } from '../../db/schema.ts'
import { referenceSchema, relationshipsFault, toOne } from '../kit/fields.ts'
import { quoted } from '../kit/words.ts'

const roleTypes: readonly RoleType[] = [...organizationRoleTypes, ...spaceRoleTypes]

/** Who gets the role: by guid, or by name and, if that is not enough, origin. */
export type RoleHolder = { readonly guid: string } | { readonly username: string; readonly origin: string | undefined }

export interface RoleMessage {
  readonly type: RoleType
  readonly holder: RoleHolder
  readonly place: { readonly spaceGuid: string } | { readonly organizationGuid: string }
}

/** The shape of what is checked by hand below, for the OpenAPI document. */
const relationshipsSchema = {
  type: 'object',
  properties: {
    user: {
      type: 'object',
      properties: {
        data: {
          type: 'object',
          properties: { guid: { type: 'string' }, username: { type: 'string' }, origin: { type: ['string', 'null'] } },
          additionalProperties: false,
        },
      },
      required: ['data'],
    },
    space: { type: ['object', 'null'], properties: { data: referenceSchema } },
    organization: { type: ['object', 'null'], properties: { data: referenceSchema } },
  },
  required: ['user'],
  additionalProperties: false,
} as const

/**
 * A role to be created. Its relationships depend on its type and on each other, so they are checked by hand, in the order and
 * with the words of cloud_controller_ng app/messages/role_create_message.rb.
 */
export const RoleCreate = z
  .strictObject({
    type: z.unknown().meta({ enum: roleTypes }).optional(),
    relationships: z.unknown().meta(relationshipsSchema).optional(),
  })
  .meta({ required: ['type', 'relationships'] })
  .transform(({ type, relationships }, context): RoleMessage => {
    const faults: string[] = []
    const known = roleTypes.find((name) => name === type)
    const fault = relationshipsFault(relationships)
    if (fault) faults.push(`Relationships 'relationships' ${fault}`)
    const message = isObject(relationships) && !fault ? readRelationships(known, relationships, faults) : undefined
    if (!known) faults.push(`Type must be one of the allowed types ${JSON.stringify(roleTypes).replaceAll(',', ', ')}`)
    for (const fault of faults) context.addIssue({ code: 'custom', message: fault })
    return known && message && faults.length === 0 ? { type: known, ...message } : z.NEVER
  })

function readRelationships(
  type: RoleType | undefined,
  relationships: Record<string, unknown>,
  faults: string[],
): Omit<RoleMessage, 'type'> | undefined {
  const fault = (text: string): unknown => faults.push(`Relationships ${text}`)
  const unknown = Object.keys(relationships).filter((key) => !['space', 'user', 'organization'].includes(key))
  if (unknown.length > 0) fault(`Unknown field(s): ${quoted(unknown)}`)
  const holder = readHolder(relationships.user, fault)
  const place = readPlace(type, relationships, fault)
  return holder && place && { holder, place }
}

function readHolder(user: unknown, fault: (text: string) => unknown): RoleHolder | undefined {
  if (user === undefined || user === null) fault("User can't be blank")
  const data = dataOf(user)
  const has = (key: string): boolean => isObject(data) && key in data
  const before = [has('guid') && has('username'), has('guid') && has('origin'), !has('username') && has('origin')]
  if (before[0]) fault('Username cannot be specified when identifying user by guid')
  if (before[1]) fault('User origin cannot be specified when identifying user by guid')
  if (before[2]) fault('User origin cannot be specified without specifying the username')
  if (!has('guid') && !has('username')) fault('User must have a username or guid specified')
  if (before.includes(true) || !isObject(data)) return undefined
  if (has('guid')) return { guid: checked(toOne('user'), user, fault)?.data.guid ?? '' }
  const { username, origin } = data
  if (typeof username !== 'string') fault('Username must be a string')
  if (origin !== undefined && origin !== null && typeof origin !== 'string') fault('User origin must be a string')
  return typeof username === 'string'
    ? { username, origin: typeof origin === 'string' ? origin : undefined }
    : undefined
}

function readPlace(
  type: RoleType | undefined,
  { space, organization }: Record<string, unknown>,
  fault: (text: string) => unknown,
): RoleMessage['place'] | undefined {
  const inSpace = isPresent(dataOf(space))
  const inOrganization = isPresent(dataOf(organization))
  const isOrganizationRole = organizationRoleTypes.some((name) => name === type)
  const isSpaceRole = spaceRoleTypes.some((name) => name === type)
  const misplaced = (inSpace && isOrganizationRole) || (inOrganization && isSpaceRole)
  if (inSpace && isOrganizationRole) fault(`Space cannot be provided with the organization role type: '${type}'.`)
  if (inOrganization && isSpaceRole) fault(`Organization cannot be provided with the space role type: '${type}'.`)
  if (!inSpace && !inOrganization) fault('must specify either a space or an organization.')
  if (inSpace && inOrganization) fault('cannot specify both an organization and a space.')
  if (misplaced || inSpace === inOrganization) return undefined
  return inSpace
    ? { spaceGuid: checked(toOne('space'), space, fault)?.data.guid ?? '' }
    : { organizationGuid: checked(toOne('organization'), organization, fault)?.data.guid ?? '' }
}

/** What the schema makes of the value; its faults carry "Relationships " already. */
function checked<S extends z.ZodType>(
  schema: S,
  value: unknown,
  fault: (text: string) => unknown,
): z.output<S> | undefined {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  for (const issue of result.error.issues) fault(issue.message.replace(/^Relationships /, ''))
  return undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const dataOf = (relationship: unknown): unknown => (isObject(relationship) ? relationship.data : undefined)
const isPresent = (value: unknown): boolean => value !== undefined && value !== null
