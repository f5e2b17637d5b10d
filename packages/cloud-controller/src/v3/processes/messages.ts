import { z } from 'zod'
import { isUriPath } from '../../actions/process-rules.ts'
import { integer } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const limitedText = (words: string, maximum: number) =>
  z
    .string({ error: `${words} must be a string` })
    .refine((value) => value.length >= 1 && value.length <= maximum && !value.includes('\0'), {
      error: `${words} must be between 1 and ${maximum} characters`,
    })

const seconds = (words: string) => integer(words, { minimum: 1 }).nullish()

const checkType = (words: string) =>
  z.enum(['port', 'process', 'http'], { error: `${words} must be "port", "process", or "http"` }).optional()

const endpoint = (words: string) =>
  z
    .string({ error: `${words} must be a valid URI path` })
    .refine((value) => value.length <= 255, { error: `${words} is too long (maximum is 255 characters)` })
    .refine(isUriPath, { error: `${words} must be a valid URI path` })
    .nullish()

/** cloud_controller_ng app/messages/process_update_message.rb; keys inside a health check that CC does not know it does not see. */
export const ProcessUpdate = z.strictObject({
  command: limitedText('Command', 4096).nullish(),
  user: limitedText('User', 255).nullish(),
  health_check: z
    .object(
      {
        type: checkType('Health check type'),
        data: z
          .object(
            {
              timeout: seconds('Health check timeout'),
              invocation_timeout: seconds('Health check invocation timeout'),
              interval: seconds('Health check interval'),
              endpoint: endpoint('Health check endpoint'),
            },
            { error: 'Health check data must be an object' },
          )
          .optional(),
      },
      { error: 'Health check must be an object' },
    )
    .optional(),
  readiness_health_check: z
    .object(
      {
        type: checkType('Readiness health check type'),
        data: z
          .object(
            {
              invocation_timeout: seconds('Readiness health check invocation timeout'),
              interval: seconds('Readiness health check interval'),
              endpoint: endpoint('Readiness health check endpoint'),
            },
            { error: 'Readiness health check data must be an object' },
          )
          .optional(),
      },
      { error: 'Readiness health check must be an object' },
    )
    .optional(),
  metadata: metadataField.optional(),
})

/** cloud_controller_ng app/messages/process_scale_message.rb */
export const ProcessScale = z.strictObject({
  instances: integer('Instances', { minimum: 0 }).nullish(),
  memory_in_mb: integer('Memory in mb', { minimum: 1 }).nullish(),
  disk_in_mb: integer('Disk in mb', { minimum: 1 }).nullish(),
  log_rate_limit_in_bytes_per_second: integer('Log rate limit in bytes per second', {
    minimum: -1,
    maximum: Number.MAX_SAFE_INTEGER,
  }).nullish(),
})
