import { z } from 'zod'
import { flag, integer } from './fields.ts'
import { hasAtMost, ifMentioned, isFilled, isPresent, isString, ruledText } from './text-rules.ts'

/*
 * The limits of quotas in a body, with CC's words for each fault (cloud_controller_ng app/messages/quotas_*_message.rb).
 * Null is unlimited.
 */

const maximumNameLength = 250
const nameRules = [isString, isFilled, hasAtMost(maximumNameLength)]

export const quotaName = ruledText('Name', maximumNameLength, nameRules)
export const newQuotaName = ruledText('Name', maximumNameLength, [...nameRules.map(ifMentioned), isPresent])
export const newSpaceQuotaName = ruledText('Name', maximumNameLength, [
  ifMentioned(isString),
  isPresent,
  ...[isFilled, hasAtMost(maximumNameLength)].map(ifMentioned),
])

const limit = (words: string, maximum?: number) => integer(words, { minimum: 0, ...(maximum && { maximum }) }).nullish()

/** A group of limits: an object without other keys. */
function group<S extends z.ZodRawShape>(words: string, shape: S) {
  const error: z.core.$ZodErrorMap = ({ code }) =>
    code === 'unrecognized_keys' ? undefined : `${words} must be an object`
  return z.strictObject(shape, { error }).optional()
}

export const quotaApps = group('Apps', {
  total_memory_in_mb: limit('Apps Total memory in mb'),
  per_process_memory_in_mb: limit('Apps Per process memory in mb'),
  total_instances: limit('Apps Total instances'),
  per_app_tasks: limit('Apps Per app tasks'),
  log_rate_limit_in_bytes_per_second: limit('Apps Log rate limit in bytes per second', Number.MAX_SAFE_INTEGER),
})

export const quotaServices = group('Services', {
  paid_services_allowed: flag('Services Paid services allowed').nullish(),
  total_service_instances: limit('Services Total service instances'),
  total_service_keys: limit('Services Total service keys'),
})

export const quotaRoutes = group('Routes', {
  total_routes: limit('Routes Total routes'),
  total_reserved_ports: limit('Routes Total reserved ports'),
})

export const quotaDomains = group('Domains', { total_domains: limit('Domains Total domains') })
