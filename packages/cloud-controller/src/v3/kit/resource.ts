import type { ReferenceExpression, SelectQueryBuilder } from 'kysely'
import type { z } from 'zod'
import type { Settings } from '../../config.ts'
import type { Db, Tables } from '../../db/schema.ts'
import type { Caller } from '../../permissions/caller.ts'
import type { UserDirectory } from '../../uaa/user-directory.ts'
import type { MetadataView } from './metadata.ts'

/** What every row of a resource has. */
export interface ResourceRow {
  readonly guid: string
  readonly created_at: string
  readonly updated_at: string
}

/** Who looks, and at what: a list hides more than a single resource. */
export interface View {
  readonly caller: Caller
  readonly settings: Settings
  /** Names of users live in UAA alone. */
  readonly userDirectory: UserDirectory
  readonly kind: 'list' | 'show'
}

/** A path that becomes `{href}`, or a path with what else the link carries. `null` leaves the link out. */
export type Link = string | { readonly path: string; readonly method?: string } | null

export interface Presentation<F = Readonly<Record<string, unknown>>> {
  /** In the order of the answer, between `updated_at` and `metadata`. */
  readonly fields: F
  /** Besides `self`. */
  readonly links?: Readonly<Record<string, Link>>
}

/** One resource's part of `included`: under which key, and the rows presented. */
export interface Included {
  readonly key: string
  readonly resources: readonly unknown[]
}

/** Adds what clients ask for with `include=`; gets all rows of the page, so it costs a constant number of statements. */
export type Include<R> = (db: Db, rows: readonly R[], view: View) => Promise<Included | readonly Included[]>

export type ListFilter<Q> = (query: Q, values: string[], db: Db, caller: Caller) => Q
export type BooleanFilter<Q> = { readonly boolean: (query: Q, value: boolean, db: Db, caller: Caller) => Q }
/** A filter that reads its value by itself; what is wrong goes to `faults`. */
export type ParsedFilter<Q> = {
  readonly parse: (values: readonly string[], faults: string[]) => void
  /** Not `apply`: a plain function has that too, so its type would be lost. */
  readonly narrow: ListFilter<Q>
}
/** A filter that also understands `key[not]=a,b`: everything but these. */
export type ExcludingFilter<Q> = { readonly anyOf: ListFilter<Q>; readonly noneOf: ListFilter<Q> }
export type Filter<Q> = ListFilter<Q> | BooleanFilter<Q> | ParsedFilter<Q> | ExcludingFilter<Q>

/** A condition that is found out elsewhere before the list is read; a function, because a query must not be awaited. */
export type Narrowing<Q> = (query: Q) => Q

export type ResourceQuery<TB extends keyof Tables, R> = SelectQueryBuilder<Tables, TB, R>

/** What is known of a resource without its rows. */
export interface ResourceFacts {
  /** Humanised singular, for "<singular> not found": "Organization quota". */
  readonly singular: string
  /** Path of the list: `/v3/organization_quotas`. */
  readonly path: string
  /** Whether labels and annotations can be put on it. */
  readonly hasMetadata: boolean
  /**
   * What `present` gives: the fields between `updated_at` and `metadata`, as the OpenAPI document shows them. A function,
   * because nobody else needs the schemas, and making them takes time at every start of a thread.
   */
  readonly fields: () => z.ZodObject
  /** Besides guids, created_ats, updated_ats and label_selector. */
  readonly filters?: Readonly<Record<string, object>>
  /** Its rows stay as they were made: `updated_ats` and ordering by `updated_at` are refused. */
  readonly isNeverUpdated?: boolean
  /** Filters of every resource that this one refuses. */
  readonly withoutFilters?: ReadonlyArray<'created_ats' | 'updated_ats' | 'guids'>
  /** Besides created_at and updated_at. */
  readonly orderBy?: Readonly<Record<string, unknown>>
  readonly include?: Readonly<Record<string, unknown>>
}

/**
 * The facts about a resource: nothing in this object runs by itself; the verbs of the kit and the handlers pass it on.
 * `TB` are the tables of its select, `R` its row, `E` what `load` adds.
 */
export interface Resource<TB extends keyof Tables, R extends ResourceRow, E> extends ResourceFacts {
  /** The kind's name in metadata tables, job links and events: "organization_quota". */
  readonly type: string
  /** The table that holds guid, id and times. */
  readonly table: TB & string
  readonly select: (db: Db) => ResourceQuery<TB, R>
  /** Narrows to what the caller sees. */
  readonly readableBy: (query: ResourceQuery<TB, NoInfer<R>>, caller: Caller, db: Db) => ResourceQuery<TB, NoInfer<R>>
  readonly filters?: Readonly<Record<string, Filter<ResourceQuery<TB, NoInfer<R>>>>>
  /** What is wrong with filters that are fine by themselves, in CC's words. */
  readonly filterFaults?: (filters: ReadonlyMap<string, readonly string[]>) => readonly string[]
  /** Conditions of filters that more than the database must answer, such as names that UAA knows. After validation. */
  readonly narrow?: (
    filters: ReadonlyMap<string, readonly string[]>,
    view: View,
  ) => Promise<Narrowing<ResourceQuery<TB, NoInfer<R>>>>
  readonly orderBy?: Readonly<Record<string, ReferenceExpression<Tables, TB>>>
  /** Order when the client names none; creation where absent. */
  readonly defaultOrder?: ReadonlyArray<ReferenceExpression<Tables, TB>>
  /** Order that counts, and is shown in page addresses, as if the client had asked for it. */
  readonly impliedOrder?: string
  readonly include?: Readonly<Record<string, Include<NoInfer<R>>>>
  /** Loads what the rows need besides themselves, for all rows at once. */
  readonly load?: (db: Db, rows: ReadonlyArray<NoInfer<R>>, view: View) => Promise<E>
  readonly present: (row: NoInfer<R>, loaded: NoInfer<E>, view: View) => Presentation
}

/** Declares a resource; only gives the object its types, and sees to it that `present` gives the fields that are declared. */
export function resource<
  TB extends keyof Tables,
  R extends ResourceRow,
  E = undefined,
  F extends z.ZodObject = z.ZodObject,
>(
  definition: Omit<Resource<TB, R, E>, 'fields' | 'present'> & {
    readonly fields: () => F
    readonly present: (row: NoInfer<R>, loaded: NoInfer<E>, view: View) => Presentation<z.input<F>>
  },
): Resource<TB, R, E> {
  return definition
}

/** Labels and annotations of a row without any. */
export const noMetadata: MetadataView = { labels: {}, annotations: {} }
