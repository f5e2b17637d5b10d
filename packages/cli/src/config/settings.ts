/** The settings that have an environment variable, and the key of the configuration that each sets. */
export const environmentSettings = [
  { variable: 'VCAP_DATA_DIR', key: 'dataDirectory', kind: 'text' },
  { variable: 'VCAP_HOST', key: 'host', kind: 'text' },
  { variable: 'VCAP_EXTERNAL_HOST', key: 'externalHost', kind: 'text' },
  { variable: 'VCAP_API_PORT', key: 'ports.api', kind: 'number' },
  { variable: 'VCAP_ROUTER_PORT', key: 'ports.router', kind: 'number' },
  { variable: 'VCAP_UAA_PORT', key: 'ports.uaa', kind: 'number' },
  { variable: 'VCAP_LOG_CACHE_PORT', key: 'ports.logCache', kind: 'number' },
  { variable: 'VCAP_NATS_PORT', key: 'ports.nats', kind: 'number' },
  { variable: 'VCAP_APPS_DOMAINS', key: 'appsDomains', kind: 'list' },
  { variable: 'VCAP_ADMIN_USERNAME', key: 'admin.username', kind: 'text' },
  { variable: 'VCAP_ADMIN_PASSWORD', key: 'admin.password', kind: 'text' },
  { variable: 'DATABASE_URL', key: 'databaseUrl', kind: 'text' },
  { variable: 'VCAP_DATABASE_URL', key: 'databaseUrl', kind: 'text' },
  { variable: 'VCAP_NATS_URL', key: 'nats.url', kind: 'text' },
  { variable: 'VCAP_NATS_USER', key: 'nats.user', kind: 'text' },
  { variable: 'VCAP_NATS_PASSWORD', key: 'nats.password', kind: 'text' },
  { variable: 'VCAP_UAA_URL', key: 'uaa.url', kind: 'text' },
  { variable: 'VCAP_UAA_INTERNAL_URL', key: 'uaa.internalUrl', kind: 'text' },
  { variable: 'VCAP_UAA_CLIENT_ID', key: 'uaa.clientId', kind: 'text' },
  { variable: 'VCAP_UAA_CLIENT_SECRET', key: 'uaa.clientSecret', kind: 'text' },
  { variable: 'VCAP_LOG_LEVEL', key: 'logLevel', kind: 'text' },
] as const satisfies readonly Setting[]

interface Setting {
  variable: string
  /** Path into the configuration, joined by dots. */
  key: string
  kind: 'text' | 'number' | 'list'
}

/** A value from the environment as the schema wants it. What is no number stays text, so that the schema names the key. */
export function settingValue(text: string, kind: Setting['kind']): unknown {
  if (kind === 'number') return /^\d+$/.test(text) ? Number(text) : text
  if (kind === 'list') return text.split(',').map((item) => item.trim())
  return text
}
