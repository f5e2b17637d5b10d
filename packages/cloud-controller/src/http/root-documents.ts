import type { Settings } from '../config.ts'

/** The version of the v3 API whose behaviour is followed; clients decide by it what they may use. */
export const apiVersion = '3.228.0'
const v2ApiVersion = '2.293.0'
const brokerApiVersion = '2.15'

const v3Collections = [
  'app_usage_events',
  'apps',
  'audit_events',
  'buildpacks',
  'builds',
  'deployments',
  'domains',
  'droplets',
  'environment_variable_groups',
  'feature_flags',
  'info',
  'isolation_segments',
  'organizations',
  'organization_quotas',
  'packages',
  'processes',
  'resource_matches',
  'roles',
  'routes',
  'security_groups',
  'service_brokers',
  'service_instances',
  'service_credential_bindings',
  'service_offerings',
  'service_plans',
  'service_route_bindings',
  'service_usage_events',
  'spaces',
  'space_quotas',
  'stacks',
  'tasks',
  'users',
]

type Document = (settings: Settings) => unknown

/** Answers that need no token, no database and so no thread, by path (semantics, section 15). */
export const rootDocuments: Readonly<Record<string, Document>> = {
  '/': ({ externalUrl, uaa, logCacheUrl }) => ({
    links: {
      self: { href: externalUrl },
      cloud_controller_v3: { href: `${externalUrl}/v3`, meta: { version: apiVersion } },
      network_policy_v0: { href: `${externalUrl}/networking/v0/external` },
      network_policy_v1: { href: `${externalUrl}/networking/v1/external` },
      login: { href: uaa.url },
      uaa: { href: uaa.url },
      credhub: null,
      routing: null,
      logging: null,
      log_cache: logCacheUrl === null ? null : { href: logCacheUrl },
      log_stream: null,
      app_ssh: null,
    },
  }),
  '/v3': ({ externalUrl }) => ({
    links: {
      self: { href: `${externalUrl}/v3` },
      ...Object.fromEntries(v3Collections.map((name) => [name, { href: `${externalUrl}/v3/${name}` }])),
    },
  }),
  '/v3/info': ({ externalUrl, info }) => ({
    build: info.build,
    cli_version: { minimum: '', recommended: '' },
    custom: {},
    description: info.description,
    name: info.name,
    version: 0,
    osbapi_version: brokerApiVersion,
    rate_limits: { enabled: false, general_limit: 0, reset_interval_in_minutes: 0 },
    links: { self: { href: `${externalUrl}/v3/info` }, support: { href: info.supportUrl } },
  }),
  '/v2/info': ({ info, uaa }) => ({
    name: info.name,
    build: info.build,
    support: info.supportUrl,
    version: 0,
    description: info.description,
    authorization_endpoint: uaa.url,
    token_endpoint: uaa.url,
    min_cli_version: null,
    min_recommended_cli_version: null,
    api_version: v2ApiVersion,
    osbapi_version: brokerApiVersion,
  }),
  '/healthz': () => 'OK',
}
