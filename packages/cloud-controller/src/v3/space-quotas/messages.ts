import { z } from 'zod'
import { relationships, toMany, toOne } from '../kit/fields.ts'
import {
  newSpaceQuotaName,
  quotaApps,
  quotaDomains,
  quotaName,
  quotaRoutes,
  quotaServices,
} from '../kit/quota-fields.ts'

/** cloud_controller_ng app/messages/space_quotas_create_message.rb */
export const SpaceQuotaCreate = z.strictObject({
  name: newSpaceQuotaName,
  apps: quotaApps,
  services: quotaServices,
  routes: quotaRoutes,
  relationships: relationships({
    organization: toOne('organization', { isDemanded: false }),
    spaces: toMany('spaces').nullish(),
  }),
})

/**
 * CC reads it with the message of organization quotas, so it takes `domains`, which a space quota has not, and does nothing
 * with them (cloud_controller_ng app/controllers/v3/space_quotas_controller.rb).
 */
export const SpaceQuotaUpdate = z.strictObject({
  name: quotaName.optional(),
  apps: quotaApps,
  services: quotaServices,
  routes: quotaRoutes,
  domains: quotaDomains,
})
