import type { PermittedRoles } from './documented-operations.ts'
import { routeReaders, spaceReaders } from './role-table.ts'

/** Where cloud_controller_ng's code permits other than its documentation says: the code decides. */
export const permissionsInCode: Readonly<Record<string, PermittedRoles>> = {
  // permissions.rb, ORG_ROLES_FOR_READING_DOMAINS_FROM_ORGS: no billing managers.
  'GET /v3/domains/:guid': routeReaders,
  'GET /v3/domains/:guid/route_reservations': routeReaders,
  // organizations_controller.rb show_default_domain: a shared domain is for whoever sees the organization.
  'GET /v3/organizations/:guid/domains/default': 'everyone',
  // organizations_controller.rb create: only while the flag user_org_creation is on.
  'POST /v3/organizations': ['admin'],
  // organizations_controller.rb fetch_orgs_for_isolation_segment: whoever sees the segment, by any role.
  'GET /v3/isolation_segments/:guid/organizations': 'everyone',
  // organization_quotas_controller.rb show: nobody is asked for a role.
  'GET /v3/organization_quotas/:guid': 'everyone',
  // packages_controller.rb download: who reads secrets.
  'GET /v3/packages/:guid/download': ['admin', 'admin_read_only', 'space_developer'],
  // roles_controller.rb readable_roles: a role in a space is seen by who sees the space.
  'GET /v3/roles/:guid': spaceReaders,
  // security_group.rb user_visibility_filter: a group that is not for all spaces is seen by who sees its spaces.
  'GET /v3/security_groups/:guid': spaceReaders,
  // user.rb readable_users: who shares an organization, by any role.
  'GET /v3/users/:guid': 'everyone',
  // users_controller.rb create: managers of organizations only where the configuration lets them.
  'POST /v3/users': ['admin'],
}
