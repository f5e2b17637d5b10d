import { z } from 'zod'
import { flag, printableText } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const name = printableText('Name')

/** cloud_controller_ng app/messages/organization_update_message.rb */
export const OrganizationUpdate = z.strictObject({
  name: name.optional(),
  suspended: flag('Suspended').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/organization_create_message.rb */
export const OrganizationCreate = OrganizationUpdate.extend({ name })
