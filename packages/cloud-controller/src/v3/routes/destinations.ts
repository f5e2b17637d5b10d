import { z } from 'zod'
import { defaultAppPort, destinationProtocol } from '../../actions/route-destinations.ts'
import type { RouteWithDomain } from '../../actions/routes.ts'
import type { Db, Row } from '../../db/schema.ts'
import { time, whole } from '../kit/answer-fields.ts'
import { wireTime } from '../kit/timestamps.ts'

type Destination = Row<'route_destinations'>

export const RouteDestination = z
  .object({
    guid: z.string(),
    app: z.object({ guid: z.string(), process: z.object({ type: z.string() }) }),
    weight: whole.nullable(),
    port: whole,
    protocol: z.string().nullable(),
    created_at: time,
    updated_at: time,
  })
  .meta({ id: 'RouteDestination' })

/** A destination as clients see it, without links. */
export function presentDestination(destination: Destination, route: RouteWithDomain): z.input<typeof RouteDestination> {
  return {
    guid: destination.guid,
    app: { guid: destination.app_guid, process: { type: destination.process_type } },
    weight: destination.weight,
    port: destination.app_port ?? defaultAppPort,
    protocol: destinationProtocol(destination, route),
    created_at: wireTime(destination.created_at),
    updated_at: wireTime(destination.updated_at),
  }
}

export type DestinationsByRoute = ReadonlyMap<string, Destination[]>

/** The destinations of these routes by route, each list ordered by guid; one statement. */
export async function destinationsOfRoutes(db: Db, routeGuids: readonly string[]): Promise<DestinationsByRoute> {
  const rows = await db
    .selectFrom('route_destinations')
    .selectAll()
    .where('route_guid', 'in', routeGuids)
    .orderBy('guid')
    .execute()
  const byRoute = new Map<string, Destination[]>(routeGuids.map((guid) => [guid, []]))
  for (const row of rows) byRoute.get(row.route_guid)?.push(row)
  return byRoute
}
