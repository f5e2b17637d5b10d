/** Where the reference document is wrong, or says less than cloud_controller_ng does: its code decides. */
export interface Deviation {
  /** Faults as they are found, `at` each of these places. */
  readonly what: string
  readonly at: readonly string[]
  readonly reason: string
  /** The file of cloud_controller_ng that the fact comes from. */
  readonly source: string
}

/** Operations of the document that there are not. */
export const notRouted: Deviation = {
  what: 'not routed',
  at: ['PUT /v3/tasks/{guid}/actions/cancel', 'PATCH /v3/apps/{guid}/builds'],
  reason:
    'Tasks are cancelled by POST there, or by PUT on /v3/tasks/{guid}/cancel; builds are changed by PATCH /v3/builds/{guid}.',
  source: 'config/routes.rb',
}

/** An entry that no answer shows any more fails the test. */
export const deviations: readonly Deviation[] = [
  {
    what: 'undocumented',
    at: ['network_policy_v0', 'login', 'credhub', 'routing', 'app_ssh'].map((link) => `GET //links/${link}`),
    reason: 'The document lists some of the links only.',
    source: 'app/controllers/runtime/root_controller.rb',
  },
  {
    what: 'type: must be object',
    at: ['IndexLink'],
    reason: 'The link of a service that is not there is null.',
    source: 'app/controllers/runtime/root_controller.rb',
  },
  {
    what: 'never sent',
    at: ['GET //links/cloud_controller_v2'],
    reason: 'The link is there only while v2 is served.',
    source: 'app/controllers/runtime/root_controller.rb',
  },
  {
    what: 'never sent',
    at: ['IndexLink/method', 'IndexLink/meta/host_key_fingerprint', 'IndexLink/meta/oauth_client'],
    reason:
      'No link of the root has a method; what is in `meta` besides the version is of app_ssh, which is not offered.',
    source: 'app/controllers/runtime/root_controller.rb',
  },
  {
    what: 'undocumented',
    at: [
      'app_usage_events',
      'audit_events',
      'buildpacks',
      'environment_variable_groups',
      'organization_quotas',
      'resource_matches',
      'service_credential_bindings',
      'service_route_bindings',
      'service_usage_events',
      'space_quotas',
    ].map((link) => `GET /v3/links/${link}`),
    reason: 'The document lists some of the links only.',
    source: 'app/controllers/v3/root_controller.rb',
  },
  {
    what: 'undocumented',
    at: ['GET /v3/info/osbapi_version', 'GET /v3/info/rate_limits'],
    reason: 'Newer than the document.',
    source: 'app/presenters/v3/info_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['App/links/clear_buildpack_cache'],
    reason: 'Newer than the document.',
    source: 'app/presenters/v3/app_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['Lifecycle/data/credentials'],
    reason: 'Only the lifecycle cnb has credentials, which is not offered.',
    source: 'app/models/runtime/cnb_lifecycle_data_model.rb',
  },
  {
    what: 'undocumented',
    at: ['Space/suspended', 'Space/links/quota'],
    reason: 'Newer than the document; the link is there for spaces that have a quota.',
    source: 'app/presenters/v3/space_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['Droplet/relationships'],
    reason: 'The document forgets it.',
    source: 'app/presenters/v3/droplet_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['AppUsageEvent/links'],
    reason: 'The document forgets it.',
    source: 'app/presenters/v3/app_usage_event_presenter.rb',
  },
  {
    what: 'type: must be string',
    at: ['AppUsageEvent/buildpack/guid', 'AppUsageEvent/task/guid'],
    reason: 'null for an event that is not of staging, or not of a task.',
    source: 'app/presenters/v3/app_usage_event_presenter.rb',
  },
  {
    what: '200 with a body',
    at: ['POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed'],
    reason: 'An empty object is answered.',
    source: 'app/controllers/v3/app_usage_events_controller.rb',
  },
  {
    what: '200 with an unknown field',
    at: ['POST /v3/app_usage_events/actions/destructively_purge_all_and_reseed'],
    reason: 'Nothing reads the body.',
    source: 'app/controllers/v3/app_usage_events_controller.rb',
  },
  {
    what: 'never sent',
    at: ['Build/checksum'],
    reason: 'Builds have none; their droplets have.',
    source: 'app/presenters/v3/build_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['Deployment/status/details/error', 'Deployment/status/canary'],
    reason: 'Newer than the document: where there is an error, and for canary deployments.',
    source: 'app/presenters/v3/deployment_presenter.rb',
  },
  {
    what: 'type: must be string',
    at: ['Deployment/previous_droplet/guid'],
    reason: 'null for an app that had no droplet.',
    source: 'app/presenters/v3/deployment_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['Domain/links/router_group'],
    reason: 'Only TCP domains have router groups, which are not offered.',
    source: 'app/presenters/v3/domain_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['POST /v3/domains/{guid}/relationships/shared_organizations/items'],
    reason: 'The document means the items of `data`, and has them beside it.',
    source: 'app/presenters/v3/domain_shared_orgs_presenter.rb',
  },
  {
    what: 'status 401',
    at: ['GET /v3/droplets/{guid}', 'GET /v3/packages/{guid}/download'],
    reason: 'A request without a token is refused here as anywhere.',
    source: 'app/controllers/v3/application_controller.rb',
  },
  {
    what: 'undocumented',
    at: ['Error/errors'],
    reason: 'The document has one error where the answer has a list of them, as anywhere.',
    source: 'app/controllers/v3/application_controller.rb',
  },
  {
    what: '202 without a body',
    at: ['DELETE /v3/droplets/{guid}'],
    reason: 'The job is named by the header Location alone.',
    source: 'app/controllers/v3/droplets_controller.rb',
  },
  {
    what: 'status 200',
    at: ['GET /v3/packages/{guid}/download'],
    reason: 'A local blobstore has no address to redirect to; the bits are sent.',
    source: 'app/controllers/runtime/helpers/blob_dispatcher.rb',
  },
  {
    what: 'type: must be string',
    at: ['ResourceMatch/resources/*/mode'],
    reason: 'null where the request says nothing of it.',
    source: 'app/presenters/v3/resource_match_presenter.rb',
  },
  {
    what: 'never sent',
    at: [
      'manifest',
      'service_brokers',
      'service_credential_binding',
      'service_instances',
      'service_route_bindings',
    ].map((link) => `Job/links/${link}`),
    reason: 'The link has the name of the type of resource that the job is about, if that still exists.',
    source: 'app/presenters/v3/job_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['Revision/processes', 'Revision/sidecars', 'Revision/deployable'],
    reason: 'The document forgets them.',
    source: 'app/presenters/v3/revision_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['Revision/enabled'],
    reason: 'It is called deployable.',
    source: 'app/presenters/v3/revision_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['RelationshipToOne/guid'],
    reason: 'The droplet of a revision is an object with a guid, and no relationship with `data`.',
    source: 'app/presenters/v3/revision_presenter.rb',
  },
  {
    what: 'type: must be object',
    at: ['Relationship'],
    reason: 'The place that a role is not in is null, and so is any relationship to nothing.',
    source: 'app/presenters/v3/role_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['UserRelationshipToOne/data/username', 'UserRelationshipToOne/data/origin'],
    reason: 'A request may name a user by them; an answer has the guid.',
    source: 'app/presenters/v3/role_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['IncludedResources/service_offerings'],
    reason: 'Only operations that are not built include them.',
    source: 'app/decorators/include_service_plan_service_offering_decorator.rb',
  },
  {
    what: 'undocumented',
    at: ['Route/destinations', 'Route/options'],
    reason: 'The document forgets them.',
    source: 'app/presenters/v3/route_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['GET /v3/routes/included'],
    reason: 'The document has the parameter `include`, and forgets what it does.',
    source: 'app/controllers/v3/routes_controller.rb',
  },
  {
    what: 'never sent',
    at: ['RouteList/included'],
    reason: 'Only the routes of an app have this schema, and nothing is included in them.',
    source: 'app/controllers/v3/routes_controller.rb',
  },
  {
    what: 'undocumented',
    at: ['RouteDestinationList/links', 'RouteDestination/links/destinations'],
    reason: 'Destinations are not paged: the list has links of its own, and the destination one to the list.',
    source: 'app/presenters/v3/route_destinations_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['RouteDestinationList/pagination', 'RouteDestination/links/self', 'RouteDestination/metadata'],
    reason: 'Destinations are not paged, have no address of their own to get, and no metadata.',
    source: 'app/presenters/v3/route_destination_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['RelationshipToMany/links/related'],
    reason: 'Only the organizations of an isolation segment have it, whose operation is not built.',
    source: 'app/controllers/v3/isolation_segments_controller.rb',
  },
  {
    what: 'undocumented',
    at: ['SecurityGroup/relationships'],
    reason: 'The spaces are in relationships.',
    source: 'app/presenters/v3/security_group_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['links/running_spaces', 'links/staging_spaces', 'running_spaces', 'staging_spaces', 'metadata'].map(
      (field) => `SecurityGroup/${field}`,
    ),
    reason: 'The spaces are in relationships, without links; there is no metadata.',
    source: 'app/presenters/v3/security_group_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['UserProvidedServiceInstance/last_operation'],
    reason: 'All service instances have it.',
    source: 'app/presenters/v3/service_instance_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['AppCredentialBinding/links/parameters'],
    reason: 'Only bindings to managed service instances have it, which nothing makes yet.',
    source: 'app/presenters/v3/service_credential_binding_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['Sidecar/links/app', 'Sidecar/metadata'],
    reason: 'Sidecars have neither links nor metadata.',
    source: 'app/presenters/v3/sidecar_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['SpaceFeature/resources'],
    reason: 'The document has one feature where the answer lists them.',
    source: 'app/controllers/v3/space_features_controller.rb',
  },
  {
    what: '200 with a body',
    at: [
      'GET /v3/apps/{guid}/features',
      'GET /v3/apps/{guid}/features/{name}',
      'PATCH /v3/apps/{guid}/features/{name}',
    ],
    reason: 'The document has no schema for them.',
    source: 'app/controllers/v3/app_features_controller.rb',
  },
  {
    what: '201 with a body',
    at: ['POST /v3/spaces/{guid}/manifest_diff'],
    reason: 'The document has no schema for the differences.',
    source: 'app/controllers/v3/space_manifests_controller.rb',
  },
  {
    what: 'undocumented',
    at: ['Stack/state', 'Stack/state_reason'],
    reason: 'Newer than the document.',
    source: 'app/presenters/v3/stack_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['SpaceQuota/metadata', 'OrganizationQuota/metadata', 'OrganizationQuota/links/organizations'],
    reason: 'Quotas have no metadata, and no link but to themselves and to the organization of a space quota.',
    source: 'app/presenters/v3/organization_quota_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['OrganizationQuotaList/pagination', 'ProcessList/pagination'],
    reason: 'The document has the fields of `pagination` in the list itself.',
    source: 'app/presenters/v3/paginated_list_presenter.rb',
  },
  {
    what: 'never sent',
    at: ['OrganizationQuotaList', 'ProcessList'].flatMap((list) =>
      ['total_results', 'total_pages', 'first', 'last', 'next', 'previous'].map((field) => `${list}/${field}`),
    ),
    reason: 'The document has the fields of `pagination` in the list itself.',
    source: 'app/presenters/v3/paginated_list_presenter.rb',
  },
  {
    what: 'undocumented',
    at: ['Process/links/process_instances'],
    reason: 'Newer than the document.',
    source: 'app/presenters/v3/process_presenter.rb',
  },
  {
    what: 'undocumented',
    at: [
      'instance_guid',
      'routable',
      'instance_internal_ip',
      'fds_quota',
      'isolation_segment',
      'details',
      'instance_ports',
      'usage/cpu_entitlement',
    ].map((field) => `ProcessStats/resources/*/${field}`),
    reason: 'The document forgets them.',
    source: 'app/presenters/v3/process_stats_presenter.rb',
  },
  {
    what: 'status 200',
    at: ['PATCH /v3/routes/{guid}/relationships/space'],
    reason: 'The transfer of a route answers {"status":"ok"}.',
    source: 'app/controllers/v3/routes_controller.rb',
  },
]
