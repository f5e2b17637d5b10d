import { z } from 'zod'
import { relationships, toMany } from '../kit/fields.ts'
import { newQuotaName, quotaApps, quotaDomains, quotaName, quotaRoutes, quotaServices } from '../kit/quota-fields.ts'

/** cloud_controller_ng app/messages/organization_quotas_update_message.rb */
export const OrganizationQuotaUpdate = z.strictObject({
  name: quotaName.optional(),
  apps: quotaApps,
  services: quotaServices,
  routes: quotaRoutes,
  domains: quotaDomains,
})

/** cloud_controller_ng app/messages/organization_quotas_create_message.rb */
export const OrganizationQuotaCreate = OrganizationQuotaUpdate.extend({
  name: newQuotaName,
  relationships: relationships({ organizations: toMany('organizations').nullish() }).optional(),
})
