import { z } from 'zod'
import { flag, relationships, toMany, toOne } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'
import { printed } from '../kit/words.ts'

const minimumLength = 3
const maximumLength = 253
const label = '([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,61}[a-zA-Z0-9])'
const domainName = new RegExp(`^(${label}\\.)+${label}$`)

const name = z
  .unknown()
  .superRefine((value, context) => {
    for (const fault of nameFaults(value)) context.addIssue({ code: 'custom', message: `Name ${fault}` })
  })
  .transform(printed)
  .meta({ type: 'string', minLength: minimumLength, maxLength: maximumLength, pattern: domainName.source })

/** CC tells everything that is wrong at once, in this order. */
function nameFaults(value: unknown): string[] {
  const text = value === undefined || value === null ? '' : printed(value)
  return [
    ...(text.trim() === '' ? ["can't be blank"] : []),
    ...(typeof value === 'string' ? [] : ['must be a string']),
    ...(text.length < minimumLength ? [`is too short (minimum is ${minimumLength} characters)`] : []),
    ...(text.length > maximumLength ? [`is too long (maximum is ${maximumLength} characters)`] : []),
    ...(domainName.test(text) ? [] : ['does not comply with RFC 1035 standards']),
    ...(text.includes('.') ? [] : ['must contain at least one "."']),
    ...(text.split('.').some((part) => part.length > 63) ? ['subdomains must each be at most 63 characters'] : []),
    ...(/[^a-z0-9\-.]/i.test(text) ? ['must consist of alphanumeric characters and hyphens'] : []),
  ]
}

const routerGroup = z.strictObject(
  { guid: z.string({ error: 'Router group guid must be a string' }) },
  { error: ({ code }) => (code === 'unrecognized_keys' ? undefined : 'Router group must be an object') },
)

const ownership = relationships({
  organization: toOne('organization').nullish(),
  shared_organizations: toMany('shared_organizations').nullish(),
}).refine((value) => !('shared_organizations' in value) || 'organization' in value, {
  error: 'Relationships cannot contain shared_organizations without an owning organization.',
})

/**
 * cloud_controller_ng app/messages/domain_create_message.rb. Its enforce_route_policies and route_policies_scope are
 * unknown fields as long as there are no route policies: what is not enforced must not be accepted.
 */
export const DomainCreate = z
  .strictObject({
    name,
    internal: flag('Internal').nullish(),
    router_group: routerGroup.nullish(),
    relationships: ownership.optional(),
    metadata: metadataField.optional(),
  })
  .superRefine((message, context) => {
    const fault = (text: string): void => context.addIssue({ code: 'custom', message: text })
    if (message.internal && 'relationships' in message)
      fault('Cannot associate an internal domain with an organization')
    if (message.internal && 'router_group' in message) fault('Internal domains cannot be associated to a router group.')
    if ('relationships' in message && 'router_group' in message)
      fault('Domains scoped to an organization cannot be associated to a router group.')
  })

/** cloud_controller_ng app/messages/domain_update_message.rb */
export const DomainUpdate = z.strictObject({ metadata: metadataField.optional() })

const shareShape = 'Data must have the structure "data": [{"guid": shared_org_guid_1}, {"guid": shared_org_guid_2}]'

/** One text for every fault (cloud_controller_ng app/messages/domain_update_shared_orgs_message.rb), which knows `data` alone. */
export const DomainShare = z.object({
  data: z.array(
    z.object({ guid: z.string(shareShape).min(1, shareShape).max(200, shareShape) }, shareShape),
    shareShape,
  ),
})
