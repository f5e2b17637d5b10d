import type { QueryString } from './query-string.ts'

export interface Page {
  readonly page: number
  readonly perPage: number
}

const defaultPerPage = 50
const maximumPerPage = 5000

/** Reads `page` and `per_page`; what is wrong goes to `faults` in CC's words (semantics, section 3). */
export function parsePage(query: QueryString, faults: string[]): Page {
  const page = positive(query.values.get('page'), 1)
  const perPage = positive(query.values.get('per_page'), defaultPerPage)
  if (page === undefined) faults.push('Page must be a positive integer')
  if (perPage === undefined) faults.push('Per page must be a positive integer')
  else if (perPage > maximumPerPage) faults.push(`Per page must be between 1 and ${maximumPerPage}`)
  return { page: page ?? 1, perPage: perPage ?? defaultPerPage }
}

/** Ruby's `to_i` reads leading digits; a number that SQL could not take as an offset is no page. */
function positive(text: string | undefined, byDefault: number): number | undefined {
  if (text === undefined) return byDefault
  const value = Number.parseInt(text, 10)
  return value > 0 && value <= 2 ** 31 ? value : undefined
}

/** The `pagination` object; `href` makes the address of a page of the same list. */
export function paginationObject({ page, perPage }: Page, total: number, href: (page: number) => string) {
  const last = Math.max(1, Math.ceil(total / perPage))
  return {
    total_results: total,
    total_pages: last,
    first: { href: href(1) },
    last: { href: href(last) },
    next: page < last ? { href: href(page + 1) } : null,
    previous: page > 1 ? { href: href(page - 1) } : null,
  }
}
