import type { Row, Trx } from '../db/schema.ts'

type Limit = number | null | undefined

/** What a body says of limits; null is unlimited, what is absent stays as it is. */
export interface QuotaMessage {
  readonly name?: string | undefined
  readonly apps?:
    | {
        readonly total_memory_in_mb?: Limit
        readonly per_process_memory_in_mb?: Limit
        readonly total_instances?: Limit
        readonly per_app_tasks?: Limit
        readonly log_rate_limit_in_bytes_per_second?: Limit
      }
    | undefined
  readonly services?:
    | {
        readonly paid_services_allowed?: boolean | null | undefined
        readonly total_service_instances?: Limit
        readonly total_service_keys?: Limit
      }
    | undefined
  readonly routes?: { readonly total_routes?: Limit; readonly total_reserved_ports?: Limit } | undefined
}

/** The limits that quotas of organizations and of spaces have in common. */
export type QuotaLimits = Omit<
  Row<'space_quotas'>,
  'id' | 'guid' | 'created_at' | 'updated_at' | 'name' | 'organization_guid'
>

/** What a quota is before anything is said of it. */
export const unlimited: QuotaLimits = {
  total_memory_in_mb: null,
  per_process_memory_in_mb: null,
  total_instances: null,
  per_app_tasks: null,
  log_rate_limit_in_bytes_per_second: null,
  paid_services_allowed: 1,
  total_service_instances: null,
  total_service_keys: null,
  total_routes: null,
  total_reserved_ports: null,
}

/** The limits with what the message says of them. */
export function limitsWith(before: QuotaLimits, { apps = {}, services = {}, routes = {} }: QuotaMessage): QuotaLimits {
  const { paid_services_allowed: paid, ...otherServices } = services
  const numbers = { ...apps, ...otherServices, ...routes }
  const said = Object.fromEntries(Object.entries(numbers).filter(([, limit]) => limit !== undefined))
  return {
    ...before,
    ...said,
    ...(paid !== undefined && { paid_services_allowed: paid === false ? 0 : 1 }),
  }
}

/** A port is reserved by a route, so more ports than routes make no sense (cloud_controller_ng quota_definition.rb). */
export function reservesMorePortsThanRoutes({ total_reserved_ports, total_routes }: QuotaLimits): boolean {
  return total_reserved_ports !== null && total_routes !== null && total_reserved_ports > total_routes
}

/**
 * Organizations and spaces, by guid, in which a process has no limit to its log rate, running or not: a quota that limits it
 * can't be applied there.
 */
export async function placesWithUnlimitedLogRate(
  trx: Trx,
  column: 'organization_guid' | 'guid',
  guids: readonly string[],
): Promise<string[]> {
  if (guids.length === 0) return []
  const rows = await trx
    .selectFrom('processes')
    .innerJoin('apps', 'apps.guid', 'processes.app_guid')
    .innerJoin('spaces', 'spaces.guid', 'apps.space_guid')
    .select(`spaces.${column} as place`)
    .distinct()
    .where(`spaces.${column}`, 'in', guids)
    .where('processes.log_rate_limit_in_bytes_per_second', '=', -1)
    .execute()
  return rows.map(({ place }) => place)
}

/** What the change of a quota says when processes without a limit would be limited; at most two places are named. */
export function unlimitedLogRateInPlaces(what: 'org' | 'space', names: readonly string[]): string {
  const [first, second] = [...names].sort()
  const others = names.length - 2
  const where =
    names.length === 1
      ? `${what} '${first}' which contains`
      : `${what}s '${first}', '${second}'${others > 0 ? ` and ${others} other ${what}s` : ''} which contain`
  return `Current usage exceeds new quota values. This quota is applied to ${where} apps running with an unlimited log rate limit.`
}

/** Guids as CC lists them in its messages. */
export const listed = (guids: readonly string[]): string => `[${guids.map((guid) => `"${guid}"`).join(', ')}]`
