import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { findInSite, isListed, pathSegments } from './find-file.mjs'
import { directoryPage, errorPage } from './pages.mjs'
import { isPasswordOf } from './password-hash.mjs'
import { sendFile, sendText } from './send.mjs'

/**
 * Answers one request for a file of the site.
 * @param site what write-site-settings.mjs wrote, with `app` and `root` as absolute paths
 */
export async function answer(site, request, response) {
  response.setHeader('X-Content-Type-Options', 'nosniff')
  if (site.strictTransportSecurity) response.setHeader('Strict-Transport-Security', site.strictTransportSecurity)
  const segments = pathSegments(request.url)
  if (segments === undefined) return sendError(site, request, response, 400)
  if (site.forcesHttps && request.headers['x-forwarded-proto'] !== 'https') {
    return redirect(response, `https://${request.headers.host}${request.url}`)
  }
  if (!isAllowed(site, request.headers.authorization)) {
    response.setHeader('WWW-Authenticate', 'Basic realm="Restricted", charset="UTF-8"')
    return sendError(site, request, response, 401)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return sendError(site, request, response, 405)
  }

  const [path, query] = split(request.url)
  const found = await findInSite(site, segments)
  if (found?.stats.isFile() && !path.endsWith('/')) return sendFile(request, response, found, 200)
  if (found?.stats.isDirectory()) {
    // Links in a page are relative to its folder, so the folder's address must end with a slash.
    if (!path.endsWith('/')) return redirect(response, `/${segments.map(encodeURIComponent).join('/')}/${query}`)
    const index = await indexOf(site, segments)
    if (index) return sendFile(request, response, index, 200)
    if (site.listsDirectories) return sendListing(site, request, response, segments, found)
  }
  if (site.answersUnknownPathsWithIndex) {
    const index = await indexOf(site, [])
    if (index) return sendFile(request, response, index, 200)
  }
  return sendError(site, request, response, 404)
}

/** The site's own page for an error (status_codes, or 404.html), else a plain one. */
export async function sendError(site, request, response, status) {
  const path = site.statusPages[status] ?? `/${status}.html`
  const own = await findInSite(site, pathSegments(path.startsWith('/') ? path : `/${path}`) ?? [])
  if (own?.stats.isFile()) return sendFile(request, response, own, status)
  return sendText(request, response, status, errorPage(status))
}

async function indexOf(site, segments) {
  for (const name of ['index.html', 'index.htm']) {
    const found = await findInSite(site, [...segments, name])
    if (found?.stats.isFile()) return found
  }
  return undefined
}

async function sendListing(site, request, response, segments, folder) {
  const entries = []
  for (const name of await readdir(folder.path)) {
    if (!isListed(site, segments, name)) continue
    // A link to nowhere, or a file that went away since, is no entry.
    const stats = await stat(join(folder.path, name)).catch(() => undefined)
    if (stats) entries.push({ name, isDirectory: stats.isDirectory(), sizeInBytes: stats.size })
  }
  sendText(request, response, 200, directoryPage(segments, entries))
}

function isAllowed(site, authorization) {
  if (site.users === null) return true
  const [, encoded] = /^basic\s+([\w+/=-]+)\s*$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return false
  const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? []
  return name !== undefined && Object.hasOwn(site.users, name) && isPasswordOf(password, site.users[name])
}

function redirect(response, location) {
  response.writeHead(301, { Location: location, 'Content-Length': 0 }).end()
}

function split(url) {
  const start = url.indexOf('?')
  return start === -1 ? [url, ''] : [url.slice(0, start), url.slice(start)]
}
