import type { StagingRequest } from '@vcap/protocol'
import { guidVariable } from '../processes/process-table.ts'
import { parseAssignments } from './assignments.ts'
import { databaseUrl, vcapServices } from './vcap-services.ts'

export interface StagingPlace {
  readonly guid: string
  /** The task's own folder, with home and tmp. */
  readonly directory: string
  readonly host: string
  readonly path: string
  readonly stack: string
}

/**
 * All of a buildpack's environment; nothing of the cell's own. The app's variables come last and win.
 * Source: dea_ng lib/dea/staging/env.rb; cloud_controller_ng lib/cloud_controller/diego/staging_request.rb.
 */
export function stagingEnvironment(request: StagingRequest, place: StagingPlace): Record<string, string> {
  const { properties } = request
  const { guid, directory, host, path, stack } = place
  const database = databaseUrl(properties.services)
  return {
    PATH: path,
    LANG: 'en_US.UTF-8',
    USER: 'vcap',
    HOME: `${directory}/home`,
    TMPDIR: `${directory}/tmp`,
    CF_STACK: stack,
    MEMORY_LIMIT: `${properties.resources.memory}m`,
    VCAP_APPLICATION: JSON.stringify({
      application_id: request.app_id,
      ...(request.app_name !== undefined && { application_name: request.app_name, name: request.app_name }),
      limits: { mem: properties.resources.memory, disk: properties.resources.disk, fds: properties.resources.fds },
      ...properties.vcap_application,
    }),
    VCAP_SERVICES: vcapServices(properties.services),
    ...(database !== undefined && { DATABASE_URL: database }),
    CF_INSTANCE_ADDR: '',
    CF_INSTANCE_IP: host,
    CF_INSTANCE_INTERNAL_IP: host,
    CF_INSTANCE_PORT: '',
    CF_INSTANCE_PORTS: '[]',
    ...parseAssignments(properties.environment),
    [guidVariable]: guid,
  }
}
