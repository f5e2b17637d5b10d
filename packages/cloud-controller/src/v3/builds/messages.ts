import { z } from 'zod'
import { guid, integer } from '../kit/fields.ts'
import { lifecycleField } from '../kit/lifecycle-field.ts'
import { metadataField } from '../kit/metadata.ts'

const packageMissing =
  "Package guid can't be blank, Package guid must be a string, Package guid must be between 1 and 200 characters"

/** cloud_controller_ng app/messages/build_create_message.rb */
export const BuildCreate = z.strictObject({
  package: z.looseObject({ guid: guid('Package guid') }, { error: packageMissing }).transform(({ guid }) => ({ guid })),
  lifecycle: lifecycleField.optional(),
  staging_memory_in_mb: integer('Staging memory in mb', { minimum: 1 }).nullish(),
  staging_disk_in_mb: integer('Staging disk in mb', { minimum: 1 }).nullish(),
  staging_log_rate_limit_bytes_per_second: integer('Staging log rate limit bytes per second', {
    minimum: -1,
    maximum: Number.MAX_SAFE_INTEGER,
  }).nullish(),
  metadata: metadataField.optional(),
})

/** What users may change of a build. */
export const BuildUpdate = z.strictObject({ metadata: metadataField.optional() })
