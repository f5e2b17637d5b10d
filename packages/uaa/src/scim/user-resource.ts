import { z } from 'zod'
import { invalidScimResource } from '../errors.ts'
import type { Group } from '../store/groups.ts'
import type { User, UserProfile } from '../store/users.ts'
import type { Attributes } from './filter-sql.ts'
import { scimSchemas } from './listing.ts'

export const userAttributes: Attributes = {
  id: { expression: 'id', type: 'text', folded: true },
  username: { expression: 'user_name_folded', type: 'text', folded: true },
  origin: { expression: 'origin', type: 'text' },
  externalid: { expression: 'external_id', type: 'text' },
  external_id: { expression: 'external_id', type: 'text' },
  email: { expression: 'email', type: 'text' },
  'emails.value': { expression: 'email', type: 'text' },
  givenname: { expression: 'given_name', type: 'text' },
  'name.givenname': { expression: 'given_name', type: 'text' },
  familyname: { expression: 'family_name', type: 'text' },
  'name.familyname': { expression: 'family_name', type: 'text' },
  phonenumber: { expression: 'phone_number', type: 'text' },
  'phonenumbers.value': { expression: 'phone_number', type: 'text' },
  active: { expression: 'active', type: 'boolean' },
  verified: { expression: 'verified', type: 'boolean' },
  created: { expression: 'created_at', type: 'time' },
  'meta.created': { expression: 'created_at', type: 'time' },
  lastmodified: { expression: 'updated_at', type: 'time' },
  'meta.lastmodified': { expression: 'updated_at', type: 'time' },
  version: { expression: 'version', type: 'number' },
  'meta.version': { expression: 'version', type: 'number' },
}

const optionalText = z.string().nullish()

/** A user as clients send it; unknown attributes are ignored. */
export const UserMessage = z.object({
  userName: optionalText,
  externalId: optionalText,
  origin: optionalText,
  name: z.object({ givenName: optionalText, familyName: optionalText }).nullish(),
  emails: z.array(z.object({ value: optionalText, primary: z.boolean().nullish() })).nullish(),
  phoneNumbers: z.array(z.object({ value: optionalText })).nullish(),
  active: z.boolean().nullish(),
  verified: z.boolean().nullish(),
  password: optionalText,
})
export type UserMessage = z.infer<typeof UserMessage>

const userNamePattern = /^[\p{L}\p{N}+\-_.@'!]+$/u

/** Throws UaaError 400 invalid_scim_resource, in UAA's words (uaa: ScimUtils.java). */
export function profileOf(message: UserMessage): UserProfile {
  const origin = message.origin || 'uaa'
  const userName = message.userName ?? ''
  if (userName.trim() === '') throw invalidScimResource('A username must be provided.')
  if (origin === 'uaa' && !userNamePattern.test(userName)) {
    throw invalidScimResource("Username must match pattern: [\\p{L}+0-9+\\-_.@'!]+")
  }
  if (message.emails?.length !== 1) throw invalidScimResource('Exactly one email must be provided.')
  const email = message.emails[0]?.value
  if (!email) throw invalidScimResource('An email must be provided.')
  return {
    user_name: userName,
    origin,
    external_id: message.externalId ?? null,
    given_name: message.name?.givenName ?? null,
    family_name: message.name?.familyName ?? null,
    email,
    phone_number: message.phoneNumbers?.[0]?.value ?? null,
    active: message.active ?? true,
    verified: message.verified ?? true,
  }
}

/** A PATCH: what is absent stays. Of several emails the primary one counts, since UAA keeps one. */
export function patchedMessage(user: User, patch: UserMessage): UserMessage {
  const email = patch.emails?.find(({ primary }) => primary) ?? patch.emails?.at(-1)
  return {
    userName: patch.userName ?? user.user_name,
    externalId: patch.externalId ?? user.external_id,
    origin: patch.origin ?? user.origin,
    name: {
      givenName: patch.name?.givenName ?? user.given_name,
      familyName: patch.name?.familyName ?? user.family_name,
    },
    emails: [{ value: email?.value ?? user.email }],
    phoneNumbers: patch.phoneNumbers ?? (user.phone_number === null ? null : [{ value: user.phone_number }]),
    active: patch.active ?? user.active,
    verified: patch.verified ?? user.verified,
  }
}

const isoTime = (milliseconds: number) => new Date(milliseconds).toISOString()

export interface UserGroups {
  readonly memberships: readonly { readonly group: Group; readonly direct: boolean }[]
  /** Groups that everybody is in. */
  readonly defaults: readonly Group[]
}

export function presentUser(user: User, { memberships, defaults }: UserGroups): Record<string, unknown> {
  const direct = [...memberships.filter((m) => m.direct).map((m) => m.group), ...defaults]
  const indirect = memberships.filter((m) => !m.direct).map((m) => m.group)
  const shown = new Map<string, object>()
  for (const group of direct) shown.set(group.id, { value: group.id, display: group.display_name, type: 'DIRECT' })
  for (const group of indirect) {
    if (!shown.has(group.id)) shown.set(group.id, { value: group.id, display: group.display_name, type: 'INDIRECT' })
  }
  return {
    id: user.id,
    ...(user.external_id === null ? {} : { externalId: user.external_id }),
    meta: { version: user.version, created: isoTime(user.created_at), lastModified: isoTime(user.updated_at) },
    userName: user.user_name,
    name: { familyName: user.family_name, givenName: user.given_name },
    emails: [{ value: user.email, primary: false }],
    groups: [...shown.values()],
    approvals: [],
    ...(user.phone_number === null ? {} : { phoneNumbers: [{ value: user.phone_number }] }),
    active: user.active,
    verified: user.verified,
    origin: user.origin,
    zoneId: 'uaa',
    passwordLastModified: isoTime(user.password_changed_at),
    ...(user.previous_login_at === null ? {} : { previousLogonTime: user.previous_login_at }),
    ...(user.last_login_at === null ? {} : { lastLogonTime: user.last_login_at }),
    schemas: scimSchemas,
  }
}
