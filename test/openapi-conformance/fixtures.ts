import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { givenApp } from '../../packages/cloud-controller/src/testing/factories.ts'
import type { TestController } from '../../packages/cloud-controller/src/testing/test-controller.ts'
import { temporaryFile } from '../../packages/cloud-controller/src/testing/uploads.ts'
import type { World } from '../../packages/cloud-controller/src/testing/world.ts'
import { now } from '../../packages/cloud-controller/src/v3/kit/timestamps.ts'

/** What the world of the role table lacks, so that every list has something and fields that are seldom there are there once. */
export async function giveMore(t: TestContext, controller: TestController, world: World): Promise<void> {
  await giveRunningInstance(controller, world)
  await giveDocker(controller, world)
  await giveDeployment(controller, world)
  const { admin, db, services } = controller
  const { guids } = world
  await services.blobstore.put('resources', 'a'.repeat(40), await temporaryFile(t, 'a')) // what operation-cases.ts asks for
  await db
    .updateTable('droplets')
    .set({ package_guid: guids.packages ?? null })
    .where('guid', '=', guids.droplets ?? '')
    .execute()
  // The world's deployment is written without the time, which cloud_controller_ng always has.
  await db.updateTable('deployments').set({ last_healthy_at: now() }).where('last_healthy_at', 'is', null).execute()
  await admin.patch(`/v3/processes/${guids.processes}`, {
    health_check: { type: 'http', data: { endpoint: '/health', timeout: 10 } },
  })
  await db
    .updateTable('jobs')
    .set({ resource_guid: world.otherApp })
    .where('guid', '=', guids.jobs ?? '')
    .execute()
}

/** What a DEA says of the first instance of the web process; the second is down. */
async function giveRunningInstance({ admin, bus, db }: TestController, { guids }: World): Promise<void> {
  const processGuid = guids.processes ?? ''
  await db
    .updateTable('processes')
    .set({ state: 'STARTED', revision_guid: guids.revisions ?? null })
    .where('guid', '=', processGuid)
    .execute()
  const { version } = (await admin.get(`/v3/processes/${processGuid}`)).body
  const heartbeat = {
    droplet: processGuid,
    version,
    instance: 'instance-0',
    index: 0,
    state: 'RUNNING' as const,
    state_timestamp: Date.now() / 1000 - 60,
  }
  bus.answer('dea.instances', () => ({ [processGuid]: [heartbeat] }))
  bus.answer('dea.find', () => [
    {
      ...heartbeat,
      dea: 'dea',
      stats: {
        name: 'hello',
        uris: [],
        host: '127.0.0.1',
        port: 61_000,
        uptime: 60,
        mem_quota: 1024 * 1024,
        disk_quota: 1024 * 1024,
        fds_quota: 16_384,
        usage: { time: now(), cpu: 0.05, mem: 1000, disk: 2000, log_rate: 10 },
      },
    },
  ])
}

async function giveDocker({ admin }: TestController, { guids }: World): Promise<void> {
  await admin.patch('/v3/feature_flags/diego_docker', { enabled: true })
  const app = await admin.post('/v3/apps', {
    name: 'in-docker',
    lifecycle: { type: 'docker', data: {} },
    relationships: { space: { data: { guid: guids.spaces } } },
  })
  await admin.post('/v3/packages', {
    type: 'docker',
    relationships: { app: { data: { guid: app.body.guid } } },
    data: { image: 'registry.example.org/hello', username: 'user', password: 'password' },
  })
}

/** A deployment that is under way, with all options. */
async function giveDeployment(controller: TestController, { guids }: World): Promise<void> {
  const app = await givenApp(controller, guids.spaces ?? '', 'deployed')
  const time = now()
  const row = {
    guid: randomUUID(),
    created_at: time,
    updated_at: time,
    app_guid: app.guid,
    strategy: 'canary' as const,
    status_value: 'ACTIVE' as const,
    status_reason: 'PAUSED',
    state: 'PAUSED',
    droplet_guid: guids.droplets ?? null,
    previous_droplet_guid: guids.droplets ?? null,
    revision_guid: guids.revisions ?? null,
    revision_version: 1,
    options: JSON.stringify({
      max_in_flight: 1,
      web_instances: 2,
      memory_in_mb: 256,
      disk_in_mb: 1024,
      log_rate_limit_in_bytes_per_second: -1,
      canary: { steps: [{ instance_weight: 50 }] },
    }),
    new_processes: JSON.stringify([{ guid: randomUUID(), type: 'web' }]),
    last_healthy_at: time,
    status_updated_at: time,
    error: 'No room.',
    canary_current_step: 1,
    canary_total_steps: 2,
  }
  await controller.db.insertInto('deployments').values(row).execute()
}
