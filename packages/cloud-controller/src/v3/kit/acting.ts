import type { Acting } from '../../actions/app-events.ts'
import { actorOf } from '../../actions/audit-events.ts'
import type { RequestContext } from '../../http/environment.ts'

/** Who acts in this request, and with which settings: what actions on apps want to know. */
export function acting(c: RequestContext): Acting {
  return { actor: actorOf(c.var.caller), settings: c.var.settings }
}
