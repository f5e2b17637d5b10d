import { z } from 'zod'
import type { Row } from '../../db/schema.ts'
import { whole } from './answer-fields.ts'

const limit = whole.nullable()

/** The shape of what `quotaLimits` gives; null is unlimited. */
export const limits = {
  apps: z.object({
    total_memory_in_mb: limit,
    per_process_memory_in_mb: limit,
    total_instances: limit,
    per_app_tasks: limit,
    log_rate_limit_in_bytes_per_second: limit,
  }),
  services: z.object({ paid_services_allowed: z.boolean(), total_service_instances: limit, total_service_keys: limit }),
  routes: z.object({ total_routes: limit, total_reserved_ports: limit }),
}

/** What quotas of organizations and of spaces have in common, in the order of the answer; null is unlimited. */
export function quotaLimits(
  quota: Omit<Row<'space_quotas'>, 'id' | 'guid' | 'created_at' | 'updated_at' | 'name' | 'organization_guid'>,
) {
  return {
    apps: {
      total_memory_in_mb: quota.total_memory_in_mb,
      per_process_memory_in_mb: quota.per_process_memory_in_mb,
      total_instances: quota.total_instances,
      per_app_tasks: quota.per_app_tasks,
      log_rate_limit_in_bytes_per_second: quota.log_rate_limit_in_bytes_per_second,
    },
    services: {
      paid_services_allowed: quota.paid_services_allowed === 1,
      total_service_instances: quota.total_service_instances,
      total_service_keys: quota.total_service_keys,
    },
    routes: { total_routes: quota.total_routes, total_reserved_ports: quota.total_reserved_ports },
  }
}
