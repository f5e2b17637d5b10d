import { Hono } from 'hono'
import type { WorkerEnv } from '../http/environment.ts'
import { routes as appEnvironment } from './app-environment/routes.ts'
import { routes as appFeatures } from './app-features/routes.ts'
import { routes as appUsageEvents } from './app-usage-events/routes.ts'
import { routes as currentDroplet } from './apps/current-droplet-routes.ts'
import { routes as apps } from './apps/routes.ts'
import { routes as appState } from './apps/state-routes.ts'
import { routes as auditEvents } from './audit-events/routes.ts'
import { routes as buildpacks } from './buildpacks/routes.ts'
import { routes as builds } from './builds/routes.ts'
import { routes as deployments } from './deployments/routes.ts'
import { routes as domains } from './domains/routes.ts'
import { routes as droplets } from './droplets/routes.ts'
import { routes as environmentVariableGroups } from './environment-variable-groups/routes.ts'
import { routes as featureFlags } from './feature-flags/routes.ts'
import { routes as isolationSegments } from './isolation-segments/routes.ts'
import { routes as jobs } from './jobs/routes.ts'
import { routes as manifests } from './manifests/routes.ts'
import { routes as organizationQuotas } from './organization-quotas/routes.ts'
import { routes as organizations } from './organizations/routes.ts'
import { routes as packages } from './packages/routes.ts'
import { routes as processes } from './processes/routes.ts'
import { routes as resourceMatches } from './resource-matches/routes.ts'
import { routes as revisions } from './revisions/routes.ts'
import { routes as roles } from './roles/routes.ts'
import { routes as destinations } from './routes/destination-routes.ts'
import { routes as appRoutes } from './routes/routes.ts'
import { routes as routeSharing } from './routes/sharing-routes.ts'
import { routes as securityGroups } from './security-groups/routes.ts'
import { routes as serviceCredentialBindings } from './service-credential-bindings/routes.ts'
import { routes as serviceInstances } from './service-instances/routes.ts'
import { routes as serviceRouteBindings } from './service-route-bindings/routes.ts'
import { routes as sidecars } from './sidecars/routes.ts'
import { routes as spaceQuotas } from './space-quotas/routes.ts'
import { routes as spaceFeatures } from './spaces/feature-routes.ts'
import { routes as spaces } from './spaces/routes.ts'
import { routes as stacks } from './stacks/routes.ts'
import { routes as usageSummaries } from './usage-summaries/routes.ts'
import { routes as users } from './users/routes.ts'

/** Every v3 resource: one line each. */
export const routes = new Hono<WorkerEnv>({ strict: false })
  .route('/', jobs)
  .route('/', organizations)
  .route('/', spaces)
  .route('/', spaceFeatures)
  .route('/', users)
  .route('/', roles)
  .route('/', featureFlags)
  .route('/', stacks)
  .route('/', environmentVariableGroups)
  .route('/', auditEvents)
  .route('/', appUsageEvents)
  .route('/', organizationQuotas)
  .route('/', spaceQuotas)
  .route('/', isolationSegments)
  .route('/', securityGroups)
  .route('/', usageSummaries)
  .route('/', serviceInstances)
  .route('/', serviceCredentialBindings)
  .route('/', domains)
  .route('/', appRoutes)
  .route('/', destinations)
  .route('/', routeSharing)
  .route('/', serviceRouteBindings)
  .route('/', apps)
  .route('/', appState)
  .route('/', currentDroplet)
  .route('/', appEnvironment)
  .route('/', appFeatures)
  .route('/', processes)
  .route('/', sidecars)
  .route('/', manifests)
  .route('/', revisions)
  .route('/', deployments)
  .route('/', packages)
  .route('/', resourceMatches)
  .route('/', builds)
  .route('/', buildpacks)
  .route('/', droplets)
