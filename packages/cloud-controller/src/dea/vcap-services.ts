import type { BoundService } from '@vcap/protocol'
import type { Settings } from '../config.ts'
import { unseal } from '../crypto/sealed-text.ts'
import type { Db } from '../db/schema.ts'

/** Label of services that users describe themselves. */
const userProvidedLabel = 'user-provided'

/** What is bound to each of these apps, in the order of binding; one statement. */
export async function boundServices(
  db: Db,
  settings: Settings,
  appGuids: readonly string[],
): Promise<ReadonlyMap<string, BoundService[]>> {
  const services = new Map<string, BoundService[]>(appGuids.map((guid) => [guid, []]))
  if (appGuids.length === 0) return services
  const rows = await db
    .selectFrom('service_credential_bindings as bindings')
    .innerJoin('service_instances as instances', 'instances.guid', 'bindings.service_instance_guid')
    .select([
      'bindings.guid',
      'bindings.name',
      'bindings.app_guid',
      'bindings.sealed_credentials',
      'bindings.syslog_drain_url',
      'instances.guid as instance_guid',
      'instances.name as instance_name',
      'instances.tags',
    ])
    .where('bindings.type', '=', 'app')
    .where('instances.type', '=', 'user-provided')
    .where('bindings.app_guid', 'in', [...appGuids])
    .orderBy('bindings.id')
    .execute()
  for (const row of rows) {
    services.get(row.app_guid ?? '')?.push({
      label: userProvidedLabel,
      name: row.name ?? row.instance_name,
      tags: JSON.parse(row.tags),
      instance_guid: row.instance_guid,
      instance_name: row.instance_name,
      binding_guid: row.guid,
      binding_name: row.name,
      credentials: JSON.parse(unseal(row.sealed_credentials, settings.encryptionKeys)),
      syslog_drain_url: row.syslog_drain_url,
      volume_mounts: [],
    })
  }
  return services
}

/** VCAP_SERVICES as an object: the bound services by label. */
export function vcapServices(bound: readonly BoundService[]): Record<string, BoundService[]> {
  return Object.fromEntries(Map.groupBy(bound, (service) => service.label))
}
