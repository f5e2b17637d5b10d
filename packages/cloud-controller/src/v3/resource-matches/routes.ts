import { Hono } from 'hono'
import { isFeatureEnabled, requireFeature } from '../../actions/feature-flags.ts'
import { matchResources, type Resource } from '../../bits/resource-pool.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { body } from '../kit/body.ts'
import { ResourceMatchCreate } from './messages.ts'

export const routes = new Hono<WorkerEnv>()

/** Tells which files of an app need not be uploaded. Source: cloud_controller_ng app/controllers/v3/resource_matches_controller.rb. */
routes.post('/v3/resource_matches', async (c) => {
  const { db, caller, blobstore, settings } = c.var
  await requireFeature(db, caller, 'app_bits_upload')
  const { resources } = await body(c, ResourceMatchCreate)
  const isOn = await isFeatureEnabled(db, 'resource_matching')
  const matched = isOn ? await matchResources(blobstore, settings.packages, resources) : []
  return c.json({ resources: matched.map(presented) }, 201)
})

const presented = ({ path, sha1, sizeInBytes, mode }: Resource) => ({
  checksum: { value: sha1 },
  size_in_bytes: sizeInBytes,
  path,
  mode: mode ?? null,
})
