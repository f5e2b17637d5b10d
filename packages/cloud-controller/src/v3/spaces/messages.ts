import { z } from 'zod'
import { flag, printableText, relationships, toOne } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const name = printableText('Name')

/** cloud_controller_ng app/messages/space_update_message.rb */
export const SpaceUpdate = z.strictObject({
  name: name.optional(),
  suspended: flag('Suspended').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/space_create_message.rb */
export const SpaceCreate = SpaceUpdate.extend({
  name,
  relationships: relationships({ organization: toOne('organization') }),
})

/** cloud_controller_ng app/messages/space_feature_update_message.rb */
export const SpaceFeatureUpdate = z.strictObject({ enabled: flag('Enabled') })
