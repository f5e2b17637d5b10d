import { z } from 'zod'
import { environmentVariables } from '../kit/environment-variables.ts'
import { relationships, toOne } from '../kit/fields.ts'
import { lifecycleField } from '../kit/lifecycle-field.ts'
import { metadataField } from '../kit/metadata.ts'
import {
  hasAtMost,
  ifGiven,
  isNotNull,
  isPresent,
  isString,
  matches,
  ruledText,
  type TextRule,
} from '../kit/text-rules.ts'

const maximumNameLength = 255
const isUnescaped = matches(/^\P{Cc}*$/u, 'must not contain escaped characters')
/** Any printable text; blanks around it don't count (cloud_controller_ng app/models/runtime/app_model.rb). */
const name = (...typeRules: TextRule[]) =>
  ruledText('Name', maximumNameLength, [
    ...typeRules,
    ...[isPresent, hasAtMost(maximumNameLength), isUnescaped].map(ifGiven),
  ]).transform((given) => given.trim())

/** cloud_controller_ng app/messages/app_create_message.rb */
export const AppCreate = z.strictObject({
  relationships: relationships({ space: toOne('space') }),
  lifecycle: lifecycleField.optional(),
  name: name(isString),
  environment_variables: environmentVariables('Environment variables').nullish(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/app_update_message.rb */
export const AppUpdate = z.strictObject({
  lifecycle: lifecycleField.optional(),
  name: name(isNotNull, ifGiven(isString)).optional(),
  metadata: metadataField.optional(),
})

/** The body of a to-one relationship: `{data: {guid}}`. CC does not say more than that the droplet is wrong. */
export const CurrentDroplet = z.object({
  data: z.object({ guid: z.string() }).partial().nullish().catch(undefined),
})
