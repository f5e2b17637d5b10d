import { type SqlBool, sql } from 'kysely'
import type { Trx } from '../db/schema.ts'

/** A name that is to become a domain. */
export interface NewDomainName {
  readonly name: string
  /** Null: a shared domain. */
  readonly ownerGuid: string | null
}

/**
 * Whether nobody may own the name, because everybody registers below it ("co.uk", "github.io"): the Public Suffix List.
 * Source: cloud_controller_ng app/models/runtime/private_domain.rb.
 */
export async function isPublicSuffix(name: string): Promise<boolean> {
  // The list is large and only needed here.
  const { getPublicSuffix } = await import('tldts')
  return getPublicSuffix(name, { allowPrivateDomains: true }) === name.toLowerCase()
}

/**
 * What the name would take away from others, in CC's words: a private domain above it of another organization, a route that
 * is the name or above it, or for a private domain a domain below it that is not its owner's own.
 * Source: cloud_controller_ng app/models/runtime/{domain,private_domain}.rb.
 */
export async function domainNameConflicts(trx: Trx, domain: NewDomainName): Promise<string[]> {
  const above = namesUpTo(domain.name)
  const reservedAbove = await privateDomainOfOthers(trx, above, domain.ownerGuid)
  const route = await routeWithUrl(trx, above)
  const reservedBelow = domain.ownerGuid === null ? undefined : await domainBelow(trx, domain.name, domain.ownerGuid)
  const refused = (offender: string, by: string) =>
    `The domain name "${domain.name}" cannot be created because "${offender}" is already reserved by ${by}`
  return [
    ...(reservedAbove === undefined ? [] : [refused(reservedAbove, 'another domain')]),
    ...(route === undefined ? [] : [refused(route, 'a route')]),
    ...(reservedBelow === undefined ? [] : [refused(reservedBelow, 'another domain')]),
  ]
}

/** The name and every domain above it with at least two labels, shortest first: "a.b.c" gives "b.c", "a.b.c". */
function namesUpTo(name: string): string[] {
  const labels = name.toLowerCase().split('.')
  return labels.slice(1).map((_, index) => labels.slice(labels.length - index - 2).join('.'))
}

async function privateDomainOfOthers(
  trx: Trx,
  names: readonly string[],
  ownerGuid: string | null,
): Promise<string | undefined> {
  const domain = await trx
    .selectFrom('domains')
    .select('name')
    .where(sql<string>`lower(name)`, 'in', names)
    .where('owning_organization_guid', 'is not', null)
    .$if(ownerGuid !== null, (query) => query.where('owning_organization_guid', '!=', ownerGuid))
    .orderBy(sql`length(name)`)
    .limit(1)
    .executeTakeFirst()
  return domain?.name
}

async function domainBelow(trx: Trx, name: string, ownerGuid: string): Promise<string | undefined> {
  const domain = await trx
    .selectFrom('domains')
    .select('name')
    .where(sql<SqlBool>`lower(name) like ${`%.${name.toLowerCase()}`}`)
    .where((eb) => eb.or([eb('owning_organization_guid', 'is', null), eb('owning_organization_guid', '!=', ownerGuid)]))
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return domain?.name
}

/** The first of the names that is host and domain of a route. */
async function routeWithUrl(trx: Trx, names: readonly string[]): Promise<string | undefined> {
  const routes = await trx
    .selectFrom('routes')
    .innerJoin('domains', 'domains.guid', 'routes.domain_guid')
    .select(sql<string>`lower(routes.host || '.' || domains.name)`.as('url'))
    .where((eb) =>
      eb.or(
        names.map((name) => {
          const [host = '', ...parent] = name.split('.')
          return eb.and([
            eb(sql<string>`lower(routes.host)`, '=', host),
            eb(sql<string>`lower(domains.name)`, '=', parent.join('.')),
          ])
        }),
      ),
    )
    .execute()
  const urls = new Set(routes.map(({ url }) => url))
  return names.find((name) => urls.has(name))
}
