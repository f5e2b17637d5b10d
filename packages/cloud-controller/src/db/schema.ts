import type { Generated, Kysely, Selectable, Transaction } from 'kysely'

/**
 * The tables. Rows keep snake_case, so one word is found from SQL to the wire.
 * Conventions on both databases: `id` gives the order of creation and never leaves the process; times are text in
 * ISO 8601 with milliseconds (UTC), so they order as they read; a `Flag` is 0 or 1; JSON is text.
 */
export type Flag = 0 | 1

interface Identified {
  id: Generated<number>
  guid: string
  created_at: string
  updated_at: string
}

/** `guid` comes from UAA: the token's user_id, or the client_id of a client. Names live in UAA. */
export interface UsersTable extends Identified {}

export interface OrganizationsTable extends Identified {
  name: string
  status: 'active' | 'suspended' | 'deleting'
  quota_guid: string
  default_isolation_segment_guid: string | null
}

export interface SpacesTable extends Identified {
  name: string
  organization_guid: string
  status: 'active' | 'suspended' | 'deleting'
  quota_guid: string | null
  isolation_segment_guid: string | null
  allow_ssh: Flag
}

/** `organization_guid` is set for every role, for a space role to the organization of its space. */
export interface RolesTable extends Identified {
  type: RoleType
  user_guid: string
  organization_guid: string
  space_guid: string | null
}

export const organizationRoleTypes = [
  'organization_auditor',
  'organization_manager',
  'organization_billing_manager',
  'organization_user',
] as const
export const spaceRoleTypes = ['space_auditor', 'space_manager', 'space_developer', 'space_supporter'] as const
export type OrganizationRoleType = (typeof organizationRoleTypes)[number]
export type SpaceRoleType = (typeof spaceRoleTypes)[number]
export type RoleType = OrganizationRoleType | SpaceRoleType

/** Limits of null are unlimited. */
interface QuotaLimits {
  total_memory_in_mb: number | null
  per_process_memory_in_mb: number | null
  total_instances: number | null
  per_app_tasks: number | null
  log_rate_limit_in_bytes_per_second: number | null
  paid_services_allowed: Flag
  total_service_instances: number | null
  total_service_keys: number | null
  total_routes: number | null
  total_reserved_ports: number | null
}

export interface OrganizationQuotasTable extends Identified, QuotaLimits {
  name: string
  total_domains: number | null
}

export interface SpaceQuotasTable extends Identified, QuotaLimits {
  name: string
  organization_guid: string
}

/** Labels of every kind of resource; `resource_type` is the singular ("app"). */
export interface LabelsTable {
  id: Generated<number>
  resource_type: string
  resource_guid: string
  key_prefix: string
  key_name: string
  value: string
}

export interface AnnotationsTable extends LabelsTable {}

export interface DomainsTable extends Identified {
  name: string
  internal: Flag
  router_group_guid: string | null
  /** Null: a shared domain. */
  owning_organization_guid: string | null
}

export interface DomainSharedOrganizationsTable {
  domain_guid: string
  organization_guid: string
}

export interface RoutesTable extends Identified {
  host: string
  path: string
  port: number | null
  domain_guid: string
  space_guid: string
  /** JSON object, null until options were set once. */
  options: string | null
}

export interface RouteSharedSpacesTable {
  route_guid: string
  space_guid: string
}

export interface RouteDestinationsTable extends Identified {
  route_guid: string
  app_guid: string
  process_type: string
  app_port: number | null
  weight: number | null
  protocol: string | null
}

export interface AppsTable extends Identified {
  name: string
  space_guid: string
  desired_state: 'STARTED' | 'STOPPED'
  droplet_guid: string | null
  lifecycle_type: 'buildpack' | 'docker' | 'cnb'
  /** JSON array of names and URLs. */
  lifecycle_buildpacks: string
  lifecycle_stack: string | null
  /** Sealed JSON object (crypto/sealed-text.ts). */
  sealed_environment_variables: string
  ssh_enabled: Flag
  revisions_enabled: Flag
  service_binding_k8s_enabled: Flag
  file_based_vcap_services_enabled: Flag
}

export interface ProcessesTable extends Identified {
  app_guid: string
  type: string
  /** Desired state; follows the app's. */
  state: 'STARTED' | 'STOPPED'
  instances: number
  memory_in_mb: number
  disk_in_mb: number
  /** -1 is unlimited. */
  log_rate_limit_in_bytes_per_second: number
  command: string | null
  user: string | null
  health_check_type: 'port' | 'process' | 'http'
  health_check_timeout: number | null
  health_check_invocation_timeout: number | null
  health_check_interval: number | null
  health_check_http_endpoint: string | null
  readiness_health_check_type: 'port' | 'process' | 'http'
  readiness_health_check_invocation_timeout: number | null
  readiness_health_check_interval: number | null
  readiness_health_check_http_endpoint: string | null
  /** Changes when running instances must be replaced (semantics: processes). */
  version: string
  revision_guid: string | null
}

export interface SidecarsTable extends Identified {
  app_guid: string
  name: string
  command: string
  /** JSON array. */
  process_types: string
  memory_in_mb: number | null
  origin: 'user' | 'buildpack'
}

export interface PackagesTable extends Identified {
  app_guid: string
  type: 'bits' | 'docker'
  state: 'AWAITING_UPLOAD' | 'PROCESSING_UPLOAD' | 'COPYING' | 'READY' | 'FAILED' | 'EXPIRED'
  error: string | null
  sha1: string | null
  sha256: string | null
  docker_image: string | null
  docker_username: string | null
  sealed_docker_password: string | null
}

export interface BuildsTable extends Identified {
  app_guid: string
  package_guid: string
  droplet_guid: string | null
  state: 'STAGING' | 'STAGED' | 'FAILED'
  error_id: string | null
  error_description: string | null
  lifecycle_type: 'buildpack' | 'docker' | 'cnb'
  lifecycle_buildpacks: string
  lifecycle_stack: string | null
  staging_memory_in_mb: number
  staging_disk_in_mb: number
  staging_log_rate_limit_bytes_per_second: number
  created_by_user_guid: string
  created_by_user_name: string | null
  created_by_user_email: string | null
}

export interface DropletsTable extends Identified {
  app_guid: string
  package_guid: string | null
  build_guid: string | null
  state: 'AWAITING_UPLOAD' | 'PROCESSING_UPLOAD' | 'STAGING' | 'COPYING' | 'STAGED' | 'FAILED' | 'EXPIRED'
  error: string | null
  lifecycle_type: 'buildpack' | 'docker' | 'cnb'
  execution_metadata: string
  /** JSON object type → command. */
  process_types: string | null
  /** JSON array of {name, detect_output, buildpack_name, version}. */
  buildpacks: string | null
  stack: string | null
  image: string | null
  sha1: string | null
  sha256: string | null
  /** JSON array of the buildpacks' sidecars. */
  sidecars: string | null
}

export interface RevisionsTable extends Identified {
  app_guid: string
  version: number
  description: string
  droplet_guid: string | null
  sealed_environment_variables: string
  /** JSON object type → {command}. */
  processes: string
  /** JSON array. */
  sidecars: string
}

export interface DeploymentsTable extends Identified {
  app_guid: string
  strategy: 'rolling' | 'canary'
  status_value: 'ACTIVE' | 'FINALIZED'
  status_reason: string
  state: string
  droplet_guid: string | null
  previous_droplet_guid: string | null
  revision_guid: string | null
  revision_version: number | null
  /** JSON object. */
  options: string
  /** JSON array of {guid, type}. */
  new_processes: string
  last_healthy_at: string | null
  status_updated_at: string
  error: string | null
  canary_current_step: number | null
  canary_total_steps: number | null
}

export interface BuildpacksTable extends Identified {
  name: string
  stack: string | null
  position: number
  enabled: Flag
  locked: Flag
  lifecycle: 'buildpack' | 'cnb'
  filename: string | null
  /** Null until bits are uploaded. Names the blob. */
  sha256: string | null
}

export interface StacksTable extends Identified {
  name: string
  description: string | null
  state: 'ACTIVE' | 'RESTRICTED' | 'DEPRECATED' | 'DISABLED'
  state_reason: string | null
}

/** Only the flags that an admin has set; the others have their default. */
export interface FeatureFlagsTable {
  name: string
  enabled: Flag
  custom_error_message: string | null
  updated_at: string
}

export interface EnvironmentVariableGroupsTable {
  name: 'running' | 'staging'
  sealed_variables: string
  updated_at: string
}

/**
 * Work that outlives a request. A row is claimed with a lease; one whose lease ran out is taken again by any Cloud Controller.
 * Rows without `visible` are the Cloud Controller's own and are no /v3/jobs.
 */
export interface JobsTable extends Identified {
  operation: string
  state: 'PROCESSING' | 'POLLING' | 'COMPLETE' | 'FAILED'
  visible: Flag
  /** Link key ("app") and guid of what the job is about. */
  resource_type: string | null
  resource_guid: string | null
  /** JSON: what the job needs to know. */
  payload: string
  /** JSON arrays. */
  errors: string
  warnings: string
  attempts: number
  /** X-VCAP-Request-ID of the request that caused it. */
  request_id: string | null
  run_after: string
  lease_owner: string | null
  lease_until: string | null
}

export interface AuditEventsTable extends Identified {
  type: string
  actor_guid: string
  actor_type: string
  actor_name: string
  target_guid: string
  target_type: string
  target_name: string
  /** JSON object, secrets already hidden. */
  data: string
  space_guid: string | null
  organization_guid: string | null
}

export interface AppUsageEventsTable extends Identified {
  state: string
  previous_state: string
  instance_count: number
  previous_instance_count: number
  memory_in_mb_per_instance: number
  previous_memory_in_mb_per_instance: number
  app_guid: string
  app_name: string
  space_guid: string
  space_name: string
  organization_guid: string
  process_guid: string | null
  process_type: string | null
  buildpack_guid: string | null
  buildpack_name: string | null
  task_guid: string | null
  task_name: string | null
}

export interface SecurityGroupsTable extends Identified {
  name: string
  rules: string
  running_default: Flag
  staging_default: Flag
}

export interface SecurityGroupSpacesTable {
  security_group_guid: string
  space_guid: string
  lifecycle: 'running' | 'staging'
}

export interface IsolationSegmentsTable extends Identified {
  name: string
}

export interface IsolationSegmentOrganizationsTable {
  isolation_segment_guid: string
  organization_guid: string
}

export interface ServiceInstancesTable extends Identified {
  name: string
  space_guid: string
  type: 'managed' | 'user-provided'
  sealed_credentials: string | null
  syslog_drain_url: string | null
  route_service_url: string | null
  tags: string
}

export interface ServiceCredentialBindingsTable extends Identified {
  type: 'app' | 'key'
  name: string | null
  app_guid: string | null
  service_instance_guid: string
  sealed_credentials: string
  syslog_drain_url: string | null
}

export interface ServiceRouteBindingsTable extends Identified {
  service_instance_guid: string
  route_guid: string
  route_service_url: string | null
}

/** Crash back-off of one instance index; forgotten when it has run long enough. */
export interface InstanceCrashesTable {
  process_guid: string
  version: string
  instance_index: number
  crash_count: number
  last_crash_at: string
}

/** Work that one of several Cloud Controllers does at a time. */
export interface LeasesTable {
  name: string
  owner: string
  held_until: string
}

export interface Tables {
  leases: LeasesTable
  users: UsersTable
  organizations: OrganizationsTable
  spaces: SpacesTable
  roles: RolesTable
  organization_quotas: OrganizationQuotasTable
  space_quotas: SpaceQuotasTable
  labels: LabelsTable
  annotations: AnnotationsTable
  domains: DomainsTable
  domain_shared_organizations: DomainSharedOrganizationsTable
  routes: RoutesTable
  route_shared_spaces: RouteSharedSpacesTable
  route_destinations: RouteDestinationsTable
  apps: AppsTable
  processes: ProcessesTable
  sidecars: SidecarsTable
  packages: PackagesTable
  builds: BuildsTable
  droplets: DropletsTable
  revisions: RevisionsTable
  deployments: DeploymentsTable
  buildpacks: BuildpacksTable
  stacks: StacksTable
  feature_flags: FeatureFlagsTable
  environment_variable_groups: EnvironmentVariableGroupsTable
  jobs: JobsTable
  audit_events: AuditEventsTable
  app_usage_events: AppUsageEventsTable
  security_groups: SecurityGroupsTable
  security_group_spaces: SecurityGroupSpacesTable
  isolation_segments: IsolationSegmentsTable
  isolation_segment_organizations: IsolationSegmentOrganizationsTable
  service_instances: ServiceInstancesTable
  service_credential_bindings: ServiceCredentialBindingsTable
  service_route_bindings: ServiceRouteBindingsTable
  instance_crashes: InstanceCrashesTable
}

/** A row as it is read. */
export type Row<T extends keyof Tables> = Selectable<Tables[T]>
/** A connection outside a transaction. */
export type Db = Kysely<Tables>
/** Inside a transaction: what changes state takes this, so that passing a bare `Db` does not compile. */
export type Trx = Transaction<Tables>
