import { type Context, Hono } from 'hono'
import type { WorkerEnv } from '../../http/environment.ts'
import type { ListRules } from '../kit/list-query.ts'
import { lists, shows } from '../kit/operation.ts'
import { tagged } from '../kit/operation-facts.ts'
import { find, list } from '../kit/verbs.ts'
import { spaces } from '../spaces/resource.ts'
import { boundTo, securityGroups, securityGroupsIn } from './resource.ts'

/** cloud_controller_ng app/controllers/v3/security_groups_controller.rb, spaces_controller.rb */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/security_groups', lists(securityGroups, { faultsAs: 'unprocessable' }))
routes.get('/v3/security_groups/:guid', shows(securityGroups))
routes.get('/v3/spaces/:guid/running_security_groups', listsOfSpace('running'))
routes.get('/v3/spaces/:guid/staging_security_groups', listsOfSpace('staging'))

/** Those that are bound to the space, and those that are enabled globally. */
function listsOfSpace(lifecycle: 'running' | 'staging') {
  const rules: ListRules = {
    without: ['running_space_guids', 'staging_space_guids', 'globally_enabled_running', 'globally_enabled_staging'],
    faultsAs: 'unprocessable',
  }
  return tagged({ answer: { kind: 'list', resource: securityGroups, rules } }, async (c: Context<WorkerEnv>) => {
    const space = await find(c, spaces)
    const bound = boundTo(c.var.db, lifecycle).where('space_guid', '=', space.guid)
    return list(c, securityGroupsIn(space.guid), {
      ...rules,
      where: (query) =>
        query.where((eb) =>
          eb.or([eb(`security_groups.${lifecycle}_default`, '=', 1), eb('security_groups.guid', 'in', bound)]),
        ),
    })
  })
}
