/** Conditional and partial requests (RFC 9110, sections 13 and 14). */

/** Whether the client's copy is still good, so that 304 is the answer. */
export function isFresh(headers, etag, modified) {
  const noneMatch = headers['if-none-match']
  if (noneMatch !== undefined) {
    return noneMatch.trim() === '*' || noneMatch.split(',').some((tag) => strong(tag) === strong(etag))
  }
  const since = Date.parse(headers['if-modified-since'] ?? '')
  return !Number.isNaN(since) && inSeconds(modified) <= inSeconds(since)
}

/**
 * The part of a file of `size` bytes that the request asks for.
 * @returns undefined for the whole (no range, several, or none that can be read), 'unsatisfiable' for a part that it does not have
 */
export function requestedRange(headers, size, etag, modified) {
  const found = /^bytes=(\d*)-(\d*)$/i.exec(headers.range?.replace(/\s+/g, '') ?? '')
  if (!found || (found[1] === '' && found[2] === '') || !isSameFile(headers['if-range'], etag, modified))
    return undefined
  const [first, last] = [found[1], found[2]].map((digits) => (digits === '' ? undefined : Number(digits)))
  if (first === undefined)
    return last === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - last), end: size - 1 }
  if (last !== undefined && last < first) return undefined
  return first >= size ? 'unsatisfiable' : { start: first, end: Math.min(last ?? size - 1, size - 1) }
}

function isSameFile(ifRange, etag, modified) {
  if (ifRange === undefined) return true
  if (/^\s*"/.test(ifRange)) return ifRange.trim() === etag
  return inSeconds(Date.parse(ifRange)) === inSeconds(modified)
}

/** Whether the client takes gzip: named, or by `*`, and not with a weight of zero. */
export function takesGzip(headers) {
  const codings = new Map()
  for (const item of (headers['accept-encoding'] ?? '').split(',')) {
    const [name, ...parameters] = item
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/)
    const weight = parameters.find((parameter) => parameter.startsWith('q='))
    codings.set(name, weight === undefined ? 1 : Number(weight.slice(2)))
  }
  return (codings.get('gzip') ?? codings.get('*') ?? 0) > 0
}

function strong(tag) {
  return tag.trim().replace(/^W\//, '')
}

function inSeconds(time) {
  return Math.floor(time / 1000)
}
