import { defaultAppPort, destinationProtocol } from '../../actions/route-destinations.ts'
import type { RouteWithDomain } from '../../actions/routes.ts'
import type { Db, Row } from '../../db/schema.ts'
import { wireTime } from '../kit/timestamps.ts'

type Destination = Row<'route_destinations'>

/** A destination as clients see it, without links. */
export function presentDestination(destination: Destination, route: RouteWithDomain): Record<string, unknown> {
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
