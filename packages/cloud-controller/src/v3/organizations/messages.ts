import { z } from 'zod'
import { flag } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'
import {
  hasAtMost,
  ifGiven,
  isFilled,
  isNotNull,
  isPresent,
  isPrintable,
  isString,
  ruledText,
} from '../kit/text-rules.ts'

const maximumNameLength = 255
const nameRules = [isString, isFilled, hasAtMost(maximumNameLength), isPrintable].map(ifGiven)

/** cloud_controller_ng app/messages/organization_update_message.rb */
export const OrganizationUpdate = z.strictObject({
  name: ruledText('Name', maximumNameLength, [...nameRules, isNotNull]).optional(),
  suspended: flag('Suspended').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/organization_create_message.rb */
export const OrganizationCreate = OrganizationUpdate.extend({
  name: ruledText('Name', maximumNameLength, [...nameRules, isPresent]),
})
