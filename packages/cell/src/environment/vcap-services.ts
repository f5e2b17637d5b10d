import type { BoundService } from '@vcap/protocol'

/** VCAP_SERVICES: the bound services by label (cloud_controller_ng app/presenters/system_environment/service_binding_presenter.rb). */
export function vcapServices(services: readonly BoundService[]): string {
  const byLabel: Record<string, unknown[]> = {}
  for (const service of services) {
    byLabel[service.label] ??= []
    byLabel[service.label]?.push({
      label: service.label,
      provider: service.provider ?? null,
      plan: service.plan ?? null,
      name: service.name,
      tags: service.tags,
      instance_guid: service.instance_guid ?? null,
      instance_name: service.instance_name ?? service.name,
      binding_guid: service.binding_guid ?? null,
      binding_name: service.binding_name ?? null,
      credentials: service.credentials ?? {},
      syslog_drain_url: service.syslog_drain_url ?? null,
      volume_mounts: service.volume_mounts,
    })
  }
  return JSON.stringify(byLabel)
}

/** What Rails expects for what a broker calls it (cloud_controller_ng lib/cloud_controller/database_uri_generator.rb). */
const schemes: Readonly<Record<string, string>> = {
  mysql: 'mysql2',
  mysql2: 'mysql2',
  postgres: 'postgres',
  postgresql: 'postgres',
  db2: 'ibmdb',
  informix: 'ibmdb',
}

/** DATABASE_URL: the URI of the first bound service that is a relational database. */
export function databaseUrl(services: readonly BoundService[]): string | undefined {
  for (const { credentials } of services) {
    if (typeof credentials !== 'object' || credentials === null || !('uri' in credentials)) continue
    const { uri } = credentials
    if (typeof uri !== 'string') continue
    const [, scheme = '', rest] = uri.match(/^([a-z][a-z0-9+.-]*)(:\/\/.*)$/is) ?? []
    const translated = schemes[scheme.toLowerCase()]
    if (translated) return `${translated}${rest}`
  }
  return undefined
}
