import { z } from 'zod'
import { flag, relationships, toOne } from '../kit/fields.ts'
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
  type TextRule,
} from '../kit/text-rules.ts'

const maximumNameLength = 255
const nameRules = (...rules: TextRule[]): TextRule[] =>
  [isString, ...rules, hasAtMost(maximumNameLength), isPrintable].map(ifGiven)

/** cloud_controller_ng app/messages/space_update_message.rb */
export const SpaceUpdate = z.strictObject({
  name: ruledText('Name', maximumNameLength, [...nameRules(isFilled), isNotNull]).optional(),
  suspended: flag('Suspended').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/space_create_message.rb */
export const SpaceCreate = SpaceUpdate.extend({
  name: ruledText('Name', maximumNameLength, [isPresent, ...nameRules()]),
  relationships: relationships({ organization: toOne('organization') }),
})

/** cloud_controller_ng app/messages/space_feature_update_message.rb */
export const SpaceFeatureUpdate = z.strictObject({ enabled: flag('Enabled') })
