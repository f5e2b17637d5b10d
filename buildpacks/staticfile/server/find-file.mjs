import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'

/** Files that tell the platform about the app and are no part of the site, when the site is the whole app folder. */
const notOfTheSite = new Set(['Staticfile', 'Staticfile.auth', 'manifest.yml', 'manifest.yaml', 'Procfile', 'vars.yml'])

/**
 * The path of a request's target as names, decoded: `/a%20b//c/` is `['a b', 'c']`.
 * @returns undefined for a path that is none
 */
export function pathSegments(target) {
  try {
    const segments = decodeURIComponent(target.split(/[?#]/, 1)[0])
      .split('/')
      .filter((segment) => segment !== '' && segment !== '.')
    const isPath = segments.every((segment) => segment !== '..' && !segment.includes('\0') && !segment.includes(sep))
    return isPath && target.startsWith('/') ? segments : undefined
  } catch {
    return undefined // a percent sign without two digits
  }
}

/**
 * What lies at a path of the site: `{ path, stats }`, or undefined when there is nothing that visitors may see.
 * Names that begin with a dot are hidden, except `.well-known` (RFC 8615); a link must not lead out of the site.
 */
export async function findInSite(site, segments) {
  if (!site.servesDotFiles && segments.some(isHidden)) return undefined
  if (site.root === site.app && notOfTheSite.has(segments[0])) return undefined
  const path = join(site.root, ...segments)
  try {
    const real = await realpath(path)
    if (real !== site.root && !real.startsWith(site.root + sep)) return undefined
    return { path: real, stats: await stat(real) }
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EACCES'].includes(error.code)) return undefined
    throw error
  }
}

export function isListed(site, segments, name) {
  return (
    (site.servesDotFiles || !isHidden(name)) &&
    !(site.root === site.app && segments.length === 0 && notOfTheSite.has(name))
  )
}

function isHidden(name) {
  return name.startsWith('.') && name !== '.well-known'
}
