import { Hono } from 'hono'
import { z } from 'zod'
import { isFeatureEnabled, requireFeature } from '../../actions/feature-flags.ts'
import { matchResources, type Resource } from '../../bits/resource-pool.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { whole } from '../kit/answer-fields.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { ResourceMatchCreate } from './messages.ts'

const ResourceMatches = z.object({
  resources: z.array(
    z.object({
      checksum: z.object({ value: z.string() }),
      size_in_bytes: whole,
      path: z.string(),
      mode: z.string().nullable(),
    }),
  ),
})

export const routes = new Hono<WorkerEnv>()

/** Tells which files of an app need not be uploaded. Source: cloud_controller_ng app/controllers/v3/resource_matches_controller.rb. */
routes.post('/v3/resource_matches', takes(ResourceMatchCreate), answersWith(201, ResourceMatches), async (c) => {
  const { db, caller, blobstore, settings } = c.var
  await requireFeature(db, caller, 'app_bits_upload')
  const { resources } = await c.var.message()
  const isOn = await isFeatureEnabled(db, 'resource_matching')
  const matched = isOn ? await matchResources(blobstore, settings.packages, resources) : []
  return c.var.answer({ resources: matched.map(presented) })
})

const presented = ({ path, sha1, sizeInBytes, mode }: Resource) => ({
  checksum: { value: sha1 },
  size_in_bytes: sizeInBytes,
  path,
  mode: mode ?? null,
})
