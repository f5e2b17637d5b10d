import { z } from 'zod'
import { flag, text } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

/** Printable text without control characters: organization and space names (semantics, section 2.1). */
const name = text('Name').refine((value) => !/\p{Cc}/u.test(value), {
  error: 'Name must not contain escaped characters',
})

/** cloud_controller_ng app/messages/organization_update_message.rb */
export const OrganizationUpdate = z.strictObject({
  name: name.optional(),
  suspended: flag('Suspended').optional(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/organization_create_message.rb */
export const OrganizationCreate = OrganizationUpdate.extend({ name })
