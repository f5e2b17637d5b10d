import type { Row } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { clearBuildpackCache, removeApp } from './app-jobs.ts'
import { removeBuildpack, uploadBuildpack } from './buildpack-jobs.ts'
import { removeDomain } from './domain-jobs.ts'
import { copyDroplet, removeDroplet, uploadDroplet } from './droplet-jobs.ts'
import { applyManifest } from './manifest-job.ts'
import { removeOrganization } from './organization-jobs.ts'
import { copyPackage, removePackage } from './package-jobs.ts'
import { removeOrganizationQuota, removeSpaceQuota } from './quota-jobs.ts'
import { removeRole } from './role-deletion.ts'
import { removeRoute, removeUnmappedRoutes } from './route-jobs.ts'
import { removeSpace } from './space-jobs.ts'
import { removeUser } from './user-deletion.ts'

/** A job as its handler sees it: the row with its payload parsed from JSON (the handler validates it). */
export type ClaimedJob = Omit<Row<'jobs'>, 'payload'> & { readonly payload: unknown }

export interface JobOutcome {
  readonly warnings?: ReadonlyArray<{ readonly detail: string }>
  /** Not finished: run it again later, with another payload if one is given. */
  readonly again?: {
    readonly afterSeconds: number
    readonly state?: 'PROCESSING' | 'POLLING'
    readonly payload?: unknown
  }
}

/**
 * Does the work of one operation. It may be run twice (a lease that ran out), so it must be repeatable. What it throws ends
 * the job as FAILED with the error's CF body.
 */
export type JobHandler = (services: ThreadServices, job: ClaimedJob) => Promise<JobOutcome | undefined>

export type JobHandlers = Readonly<Record<string, JobHandler>>

/** Handlers by operation: one line each. */
export const jobHandlers: JobHandlers = {
  'app.clear_buildpack_cache': clearBuildpackCache,
  'app.delete': removeApp,
  'buildpack.delete': removeBuildpack,
  'buildpack.upload': uploadBuildpack,
  'domain.delete': removeDomain,
  'droplet.copy': copyDroplet,
  'droplet.delete': removeDroplet,
  'droplet.upload': uploadDroplet,
  'package.copy': copyPackage,
  'package.delete': removePackage,
  'organization.delete': removeOrganization,
  'organization_quota.delete': removeOrganizationQuota,
  'role.delete': removeRole,
  'space.delete': removeSpace,
  'space_quota.delete': removeSpaceQuota,
  'route.delete': removeRoute,
  'space.apply_manifest': applyManifest,
  'space.delete_unmapped_routes': removeUnmappedRoutes,
  'user.delete': removeUser,
}
