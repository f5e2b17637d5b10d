import { z } from 'zod'
import { flag, integer } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'
import { hasAtMost, ifGiven, isPresent, isString, matches, ruledText } from '../kit/text-rules.ts'

const maximumLength = 250
const nameLength = hasAtMost(maximumLength)
const isName = matches(/^[-\w]+$/, 'is invalid')
/** An empty one is the name of no stack. */
const stack = ruledText('Stack', maximumLength, [isString, nameLength].map(ifGiven))
/** The words differ from those of other integers that must be positive. */
const position = integer('Position')
  .refine((value) => !Number.isInteger(value) || value >= 1, {
    error: 'Position must be greater than or equal to 1',
  })
  .meta({ minimum: 1 })
const fields = {
  stack: stack.nullish(),
  enabled: flag('Enabled').nullish(),
  locked: flag('Locked').nullish(),
  position: position.nullish(),
  metadata: metadataField.optional(),
}

/** cloud_controller_ng app/messages/buildpack_create_message.rb */
export const BuildpackCreate = z.strictObject({
  name: ruledText('Name', maximumLength, [isString, isPresent, nameLength, isName]),
  ...fields,
  lifecycle: z.enum(['buildpack', 'cnb'], { error: 'Lifecycle must be either "buildpack" or "cnb"' }).nullish(),
})

/** cloud_controller_ng app/messages/buildpack_update_message.rb: what is named must not be null. */
export const BuildpackUpdate = z.strictObject({
  ...fields,
  name: ruledText('Name', maximumLength, [isString, nameLength, isName].map(ifGiven)).nullish(),
  position: position.optional(),
  enabled: flag('Enabled').optional(),
  locked: flag('Locked').optional(),
})
