import { z } from 'zod'
import type { Group, Member } from '../store/groups.ts'
import type { Attributes } from './filter-sql.ts'
import { scimSchemas } from './listing.ts'

export const groupAttributes: Attributes = {
  id: { expression: 'id', type: 'text', folded: true },
  displayname: { expression: 'display_name_folded', type: 'text', folded: true },
  description: { expression: 'description', type: 'text' },
  created: { expression: 'created_at', type: 'time' },
  'meta.created': { expression: 'created_at', type: 'time' },
  lastmodified: { expression: 'updated_at', type: 'time' },
  'meta.lastmodified': { expression: 'updated_at', type: 'time' },
  version: { expression: 'version', type: 'number' },
  'meta.version': { expression: 'version', type: 'number' },
}

export const MemberMessage = z.object({
  value: z.string().min(1),
  type: z
    .string()
    .transform((type) => type.toUpperCase())
    .pipe(z.enum(['USER', 'GROUP']))
    .default('USER'),
})
export type MemberMessage = z.infer<typeof MemberMessage>

export const GroupMessage = z.object({
  displayName: z.string().min(1),
  description: z.string().nullish(),
  members: z.array(MemberMessage).nullish(),
})

export const presentMember = (member: Member) => ({
  origin: member.origin ?? 'uaa',
  type: member.member_type,
  value: member.member_id,
})

export function presentGroup(group: Group, members: readonly Member[]): Record<string, unknown> {
  return {
    id: group.id,
    meta: {
      version: group.version,
      created: new Date(group.created_at).toISOString(),
      lastModified: new Date(group.updated_at).toISOString(),
    },
    displayName: group.display_name,
    zoneId: 'uaa',
    ...(group.description === null ? {} : { description: group.description }),
    members: members.map(presentMember),
    schemas: scimSchemas,
  }
}
