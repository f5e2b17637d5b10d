import { z } from 'zod'
import type { ApiClient } from './api-client.ts'
import { Page } from './shapes.ts'

const InstanceStats = z.object({
  type: z.string(),
  index: z.number(),
  instance_guid: z.string().optional(),
  state: z.string(),
  uptime: z.number().nullish(),
  details: z.string().nullish(),
  usage: z
    .object({ cpu: z.number().nullish(), mem: z.number().nullish(), disk: z.number().nullish() })
    .partial()
    .nullish(),
  mem_quota: z.number().nullish(),
  disk_quota: z.number().nullish(),
})
export type InstanceStats = z.infer<typeof InstanceStats>

/** As in `cf`. */
const startLimitInMs = 5 * 60_000

const statsPath = (appGuid: string, type: string) => `/v3/apps/${appGuid}/processes/${type}/stats`

/** The statistics of the instances of one process of an app. */
export async function instanceStats(client: ApiClient, appGuid: string, type = 'web'): Promise<InstanceStats[]> {
  return (await client.call(Page(InstanceStats), 'GET', statsPath(appGuid, type))).resources
}

/** Waits until the instances are as wanted. Throws with the last statistics when that takes too long. */
export async function waitForInstances(
  client: ApiClient,
  appGuid: string,
  isSo: (instances: InstanceStats[]) => boolean,
  { type = 'web', limitInMs = startLimitInMs }: { type?: string; limitInMs?: number } = {},
): Promise<InstanceStats[]> {
  const path = statsPath(appGuid, type)
  return (await client.poll(Page(InstanceStats), path, ({ resources }) => isSo(resources), limitInMs)).resources
}

/** Waits for one web instance that runs. Throws when all have crashed. */
export async function waitForRunningInstance(client: ApiClient, appGuid: string): Promise<void> {
  const runs = ({ state }: InstanceStats) => state === 'RUNNING'
  const instances = await waitForInstances(
    client,
    appGuid,
    (all) => all.some(runs) || all.every(({ state }) => state === 'CRASHED'),
  )
  if (!instances.some(runs)) throw new Error('every instance crashed')
}
