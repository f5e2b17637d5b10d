import type { Upload, World } from './world.ts'

/** How one operation is tried, and what of its answers does not follow from its documentation. */
export interface OperationCase {
  /** Instead of the path with the guids of the world. */
  readonly path?: (world: World) => string
  /** On a resource that nothing else uses. */
  readonly spare?: boolean
  readonly body?: (world: World) => unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly upload?: (world: World) => Upload
  /** Status of success, where several are documented. */
  readonly success?: number
  /** The collection whose visibility decides who is refused and who sees nothing; the path's own unless told. */
  readonly within?: string
  /** To whom the resource is hidden: 404 unless told. */
  readonly hidden?: number
  /** Who sees the resource but may not do this: 403 unless told. */
  readonly refused?: number
  /** Who may do this, but the organization is suspended: 403 unless told. */
  readonly suspended?: number
}

const to = (guid: string | undefined) => ({ data: { guid } })
const many = (guid: string | undefined) => ({ data: [{ guid }] })
const metadata = () => ({ metadata: { labels: { a: 'b' } } })
const inSpace = { within: 'spaces', hidden: 422 } as const
const inApp = { within: 'apps', hidden: 422 } as const
const ofApp = ({ guids }: World) => ({ relationships: { app: to(guids.apps) } })
const yaml = { headers: { 'content-type': 'application/x-yaml' } }
const manifest = () => 'applications:\n- name: hello\n'

/** Every operation there is. One that is missing, or that is no longer served, fails the role table. */
export const operationCases: Readonly<Record<string, OperationCase>> = {
  'GET /v3/apps': {},
  'POST /v3/apps': { ...inSpace, body: ({ guids }) => ({ name: 'new', relationships: { space: to(guids.spaces) } }) },
  'GET /v3/apps/:guid': {},
  'PATCH /v3/apps/:guid': { body: metadata },
  'DELETE /v3/apps/:guid': {},
  'GET /v3/apps/:guid/permissions': {},
  'POST /v3/apps/:guid/actions/start': {},
  'POST /v3/apps/:guid/actions/stop': {},
  'POST /v3/apps/:guid/actions/restart': {},
  'POST /v3/apps/:guid/actions/clear_buildpack_cache': {},
  'GET /v3/apps/:guid/relationships/current_droplet': {},
  'PATCH /v3/apps/:guid/relationships/current_droplet': { body: ({ guids }) => to(guids.droplets) },
  'GET /v3/apps/:guid/env': {},
  'GET /v3/apps/:guid/environment_variables': {},
  'PATCH /v3/apps/:guid/environment_variables': { body: () => ({ var: { A: 'b' } }) },
  'GET /v3/apps/:guid/features': {},
  'GET /v3/apps/:guid/features/:name': {},
  'PATCH /v3/apps/:guid/features/:name': {
    path: ({ guids }) => `/v3/apps/${guids.apps}/features/revisions`, // the only one for more than developers
    body: () => ({ enabled: false }),
  },
  'GET /v3/apps/:guid/ssh_enabled': {},
  'GET /v3/apps/:guid/manifest': {},
  'GET /v3/app_usage_events': {},
  'GET /v3/app_usage_events/:guid': {},
  'POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed': { body: () => ({}), hidden: 403 },
  'GET /v3/audit_events': {},
  'GET /v3/audit_events/:guid': {},
  'GET /v3/buildpacks': {},
  'GET /v3/buildpacks/:guid': {},
  'POST /v3/buildpacks': { body: () => ({ name: 'new' }) },
  'PATCH /v3/buildpacks/:guid': { body: metadata },
  'DELETE /v3/buildpacks/:guid': {},
  'POST /v3/buildpacks/:guid/upload': { upload: ({ uploads }) => uploads.zip },
  'GET /v3/builds': {},
  'GET /v3/builds/:guid': {},
  'POST /v3/builds': { ...inApp, body: ({ guids }) => ({ package: { guid: guids.packages } }), refused: 422 },
  'PATCH /v3/builds/:guid': { body: metadata },
  'GET /v3/apps/:guid/builds': {},
  'GET /v3/deployments': {},
  'GET /v3/deployments/:guid': {},
  'GET /v3/domains': {},
  'GET /v3/domains/:guid': {},
  'POST /v3/domains': {
    within: 'organizations',
    hidden: 403,
    body: ({ guids }) => ({ name: 'new.example.org', relationships: { organization: to(guids.organizations) } }),
  },
  'PATCH /v3/domains/:guid': { body: metadata },
  'DELETE /v3/domains/:guid': { spare: true },
  'POST /v3/domains/:guid/relationships/shared_organizations': {
    body: ({ partner }) => many(partner),
  },
  'DELETE /v3/domains/:guid/relationships/shared_organizations/:org_guid': {
    suspended: 204, // the manager manages the partner too
    path: ({ guids, partner }) => `/v3/domains/${guids.domains}/relationships/shared_organizations/${partner}`,
  },
  'GET /v3/domains/:guid/route_reservations': {},
  'GET /v3/organizations/:guid/domains': {},
  'GET /v3/organizations/:guid/domains/default': {},
  'GET /v3/droplets': {},
  'GET /v3/droplets/:guid': {},
  'POST /v3/droplets': { ...inApp, body: ofApp },
  'PATCH /v3/droplets/:guid': { body: metadata },
  'DELETE /v3/droplets/:guid': { spare: true },
  'POST /v3/droplets/:guid/upload': {
    path: ({ emptyDroplet }) => `/v3/droplets/${emptyDroplet}/upload`,
    upload: ({ uploads }) => uploads.tgz,
  },
  'GET /v3/droplets/:guid/download': { success: 200 },
  'GET /v3/apps/:guid/droplets': {},
  'GET /v3/apps/:guid/droplets/current': {},
  'GET /v3/packages/:guid/droplets': {},
  'GET /v3/environment_variable_groups/:name': {},
  'PATCH /v3/environment_variable_groups/:name': { body: () => ({ var: { A: 'b' } }) },
  'GET /v3/feature_flags': {},
  'GET /v3/feature_flags/:name': {},
  'PATCH /v3/feature_flags/:name': { body: () => ({ enabled: true }) },
  'GET /v3/isolation_segments': {},
  'GET /v3/isolation_segments/:guid': {},
  'GET /v3/isolation_segments/:guid/organizations': {},
  'GET /v3/organizations/:guid/relationships/default_isolation_segment': {},
  'PATCH /v3/organizations/:guid/relationships/default_isolation_segment': {
    body: ({ guids }) => to(guids.isolation_segments),
  },
  'GET /v3/spaces/:guid/relationships/isolation_segment': {},
  'PATCH /v3/spaces/:guid/relationships/isolation_segment': {
    suspended: 200, // spaces_v3_controller.rb does not ask
    body: ({ guids }) => to(guids.isolation_segments),
  },
  'GET /v3/jobs/:guid': {},
  'POST /v3/spaces/:guid/actions/apply_manifest': { ...yaml, body: manifest },
  'POST /v3/spaces/:guid/manifest_diff': { ...yaml, body: manifest },
  'GET /v3/organization_quotas': {},
  'GET /v3/organization_quotas/:guid': {},
  'POST /v3/organization_quotas': { body: () => ({ name: 'new' }) },
  'PATCH /v3/organization_quotas/:guid': { body: () => ({ name: 'new' }) },
  'DELETE /v3/organization_quotas/:guid': { spare: true },
  'POST /v3/organization_quotas/:guid/relationships/organizations': {
    body: ({ guids }) => many(guids.organizations),
  },
  'GET /v3/organizations': {},
  'GET /v3/organizations/:guid': {},
  'POST /v3/organizations': { within: 'stacks', body: () => ({ name: 'new' }) },
  'PATCH /v3/organizations/:guid': { body: metadata },
  'DELETE /v3/organizations/:guid': {},
  'GET /v3/organizations/:guid/usage_summary': {},
  'GET /v3/organizations/:guid/users': {},
  'GET /v3/packages': {},
  'GET /v3/packages/:guid': {},
  'POST /v3/packages': { ...inApp, body: (world) => ({ type: 'bits', ...ofApp(world) }) },
  'PATCH /v3/packages/:guid': { body: metadata },
  'DELETE /v3/packages/:guid': {},
  'POST /v3/packages/:guid/upload': {
    path: ({ emptyPackage }) => `/v3/packages/${emptyPackage}/upload`,
    upload: ({ uploads }) => uploads.zip,
  },
  'GET /v3/packages/:guid/download': { success: 200 },
  'GET /v3/apps/:guid/packages': {},
  'GET /v3/processes': {},
  'GET /v3/processes/:guid': {},
  'PATCH /v3/processes/:guid': { body: () => ({ command: 'run' }) },
  'POST /v3/processes/:guid/actions/scale': { body: () => ({ instances: 2 }) },
  'GET /v3/processes/:guid/stats': {},
  'DELETE /v3/processes/:guid/instances/:index': {},
  'GET /v3/processes/:guid/process_instances': {},
  'GET /v3/apps/:guid/processes': {},
  'GET /v3/apps/:guid/processes/:type': {},
  'PATCH /v3/apps/:guid/processes/:type': { body: () => ({ command: 'run' }) },
  'POST /v3/apps/:guid/processes/:type/actions/scale': { body: () => ({ instances: 2 }) },
  'GET /v3/apps/:guid/processes/:type/stats': {},
  'DELETE /v3/apps/:guid/processes/:type/instances/:index': {},
  'POST /v3/resource_matches': {
    body: () => ({ resources: [{ checksum: { value: 'a'.repeat(40) }, size_in_bytes: 1 }] }),
  },
  'GET /v3/revisions/:guid': {},
  'PATCH /v3/revisions/:guid': { body: metadata },
  'GET /v3/revisions/:guid/environment_variables': {},
  'GET /v3/apps/:guid/revisions': {},
  'GET /v3/apps/:guid/revisions/deployed': {},
  'GET /v3/roles': {},
  'GET /v3/roles/:guid': {},
  'POST /v3/roles': {
    within: 'spaces',
    hidden: 403,
    body: ({ guids, otherUser }) => ({
      type: 'space_developer',
      relationships: { user: to(otherUser), space: to(guids.spaces) },
    }),
  },
  'DELETE /v3/roles/:guid': {},
  'GET /v3/routes': {},
  'GET /v3/routes/:guid': {},
  'POST /v3/routes': {
    within: 'spaces',
    hidden: 403,
    body: ({ guids }) => ({
      host: 'new',
      relationships: { space: to(guids.spaces), domain: to(guids.domains) },
    }),
  },
  'PATCH /v3/routes/:guid': { body: metadata },
  'DELETE /v3/routes/:guid': {},
  'GET /v3/apps/:guid/routes': {},
  'DELETE /v3/spaces/:guid/routes': { path: ({ guids }) => `/v3/spaces/${guids.spaces}/routes?unmapped=true` },
  'GET /v3/routes/:guid/destinations': {},
  'POST /v3/routes/:guid/destinations': { body: ({ otherApp }) => ({ destinations: [{ app: { guid: otherApp } }] }) },
  'PATCH /v3/routes/:guid/destinations': { body: ({ otherApp }) => ({ destinations: [{ app: { guid: otherApp } }] }) },
  'PATCH /v3/routes/:guid/destinations/:destination_guid': { body: () => ({ protocol: 'http2' }) },
  'DELETE /v3/routes/:guid/destinations/:destination_guid': {},
  'GET /v3/routes/:guid/relationships/shared_spaces': {},
  'POST /v3/routes/:guid/relationships/shared_spaces': { body: ({ otherSpace }) => many(otherSpace) },
  'DELETE /v3/routes/:guid/relationships/shared_spaces/:space_guid': {},
  'PATCH /v3/routes/:guid/relationships/space': { body: ({ otherSpace }) => to(otherSpace) },
  'GET /v3/security_groups': {},
  'GET /v3/security_groups/:guid': {},
  'GET /v3/spaces/:guid/running_security_groups': {},
  'GET /v3/spaces/:guid/staging_security_groups': {},
  'GET /v3/service_credential_bindings': {},
  'GET /v3/service_credential_bindings/:guid': {},
  'GET /v3/service_instances': {},
  'GET /v3/service_instances/:guid': {},
  'GET /v3/service_route_bindings': {},
  'GET /v3/service_route_bindings/:guid': {},
  'GET /v3/sidecars/:guid': {},
  'POST /v3/apps/:guid/sidecars': { body: () => ({ name: 'new', command: 'run', process_types: ['web'] }) },
  'PATCH /v3/sidecars/:guid': { body: () => ({ command: 'jump' }) },
  'DELETE /v3/sidecars/:guid': {},
  'GET /v3/apps/:guid/sidecars': {},
  'GET /v3/processes/:guid/sidecars': {},
  'GET /v3/space_quotas': {},
  'GET /v3/space_quotas/:guid': {},
  'POST /v3/space_quotas': {
    within: 'organizations',
    hidden: 403,
    body: ({ guids }) => ({ name: 'new', relationships: { organization: to(guids.organizations) } }),
  },
  'PATCH /v3/space_quotas/:guid': { body: () => ({ name: 'new' }) },
  'DELETE /v3/space_quotas/:guid': { spare: true, refused: 404 },
  'POST /v3/space_quotas/:guid/relationships/spaces': { body: ({ otherSpace }) => many(otherSpace) },
  'DELETE /v3/space_quotas/:guid/relationships/spaces/:space_guid': {
    path: ({ guids }) => `/v3/space_quotas/${guids.space_quotas}/relationships/spaces/${guids.spaces}`,
  },
  'GET /v3/spaces': {},
  'GET /v3/spaces/:guid': {},
  'POST /v3/spaces': {
    within: 'organizations',
    hidden: 422,
    body: ({ guids }) => ({ name: 'new', relationships: { organization: to(guids.organizations) } }),
  },
  'PATCH /v3/spaces/:guid': { body: metadata },
  'DELETE /v3/spaces/:guid': {},
  'GET /v3/spaces/:guid/features': {},
  'GET /v3/spaces/:guid/features/:name': {},
  'PATCH /v3/spaces/:guid/features/:name': { body: () => ({ enabled: false }) },
  'GET /v3/spaces/:guid/usage_summary': {},
  'GET /v3/spaces/:guid/users': {},
  'GET /v3/stacks': {},
  'GET /v3/stacks/:guid': {},
  'GET /v3/stacks/:guid/apps': {},
  'POST /v3/stacks': { body: () => ({ name: 'new' }) },
  'PATCH /v3/stacks/:guid': { body: metadata },
  'DELETE /v3/stacks/:guid': { spare: true },
  'GET /v3/users': {},
  'GET /v3/users/:guid': {},
  'POST /v3/users': { within: 'stacks', body: () => ({ guid: 'new-user' }) },
  'PATCH /v3/users/:guid': { body: metadata },
  'DELETE /v3/users/:guid': {},
}
