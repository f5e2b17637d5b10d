import { type Context, Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import { find, list, show } from '../kit/verbs.ts'
import { spaces } from '../spaces/resource.ts'
import { boundTo, securityGroups, securityGroupsIn } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/security_groups_controller.rb, spaces_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/security_groups', (c) => list(c, securityGroups, { faultsAs: 'unprocessable' }))
routes.get('/v3/security_groups/:guid', (c) => show(c, securityGroups))
routes.get('/v3/spaces/:guid/running_security_groups', (c) => listOfSpace(c, 'running'))
routes.get('/v3/spaces/:guid/staging_security_groups', (c) => listOfSpace(c, 'staging'))

/** Those that are bound to the space, and those that are enabled globally. */
async function listOfSpace(c: Context<WorkerEnv>, lifecycle: 'running' | 'staging'): Promise<Response> {
  const space = await find(c, spaces)
  const bound = boundTo(c.var.db, lifecycle).where('space_guid', '=', space.guid)
  return list(c, securityGroupsIn(space.guid), {
    where: (query) =>
      query.where((eb) =>
        eb.or([eb(`security_groups.${lifecycle}_default`, '=', 1), eb('security_groups.guid', 'in', bound)]),
      ),
    without: ['running_space_guids', 'staging_space_guids', 'globally_enabled_running', 'globally_enabled_staging'],
    faultsAs: 'unprocessable',
  })
}
