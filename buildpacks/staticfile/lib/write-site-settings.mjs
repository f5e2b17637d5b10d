// write-site-settings.mjs APP_DIR OUTPUT: turns Staticfile and Staticfile.auth into the settings that the server reads,
// and says on the way what it found. The settings' names are those of Cloud Foundry's staticfile buildpack.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { isSupportedHash } from '../server/password-hash.mjs'
import { isOn, parseStaticfile, StaticfileError } from './staticfile.mjs'

const switches = {
  directory: 'listsDirectories',
  pushstate: 'answersUnknownPathsWithIndex',
  host_dot_files: 'servesDotFiles',
  force_https: 'forcesHttps',
}
const transportSecurity = [
  'http_strict_transport_security',
  'http_strict_transport_security_include_subdomains',
  'http_strict_transport_security_preload',
]
const known = new Set([...Object.keys(switches), ...transportSecurity, 'root', 'status_codes'])

const [app, output] = process.argv.slice(2)
try {
  const settings = siteSettings(app)
  writeFileSync(output, `${JSON.stringify(settings, null, 2)}\n`)
} catch (error) {
  if (!(error instanceof StaticfileError)) throw error
  process.stdout.write(`**ERROR** ${error.message}\n`)
  process.exitCode = 1
}

function siteSettings(folder) {
  const file = join(folder, 'Staticfile')
  const given = existsSync(file) ? parseStaticfile(readFileSync(file, 'utf8')) : {}
  const root = rootFolder(folder, given.root)
  say(`Serving ${root === '.' ? 'the whole app folder' : root}`)

  const settings = { root }
  for (const [name, meaning] of Object.entries(switches)) {
    settings[meaning] = isOn(given[name])
    if (settings[meaning]) say(`${name} is on`)
  }
  settings.strictTransportSecurity = strictTransportSecurity(given)
  settings.statusPages = statusPages(given.status_codes)
  settings.users = users(join(folder, 'Staticfile.auth'))

  for (const name of Object.keys(given)) {
    if (!known.has(name))
      say(`**WARNING** "${name}" is a setting of nginx that this buildpack does not have; it is ignored`)
  }
  if (existsSync(join(folder, root, 'nginx.conf')))
    say('**WARNING** nginx.conf is ignored: nginx does not serve this site')
  return settings
}

function rootFolder(folder, value) {
  if (value === undefined || value === '') return '.'
  if (typeof value !== 'string') throw new StaticfileError('root must be the name of a folder')
  const root = posix.normalize(value).replace(/^\/+|\/+$/g, '') || '.'
  if (root === '..' || root.startsWith('../'))
    throw new StaticfileError(`root is "${value}", which lies outside the app`)
  if (!statSync(join(folder, root), { throwIfNoEntry: false })?.isDirectory()) {
    throw new StaticfileError(`root is "${value}", and the app has no such folder`)
  }
  return root
}

function strictTransportSecurity(given) {
  const [basic, subdomains, preload] = transportSecurity.map((name) => isOn(given[name]))
  if (!basic) return null
  say(`${transportSecurity[0]} is on`)
  return `max-age=31536000${subdomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`
}

function statusPages(value) {
  const pages = {}
  if (value !== undefined && value !== '' && typeof value !== 'object') {
    throw new StaticfileError('status_codes must hold lines such as "404: /404.html"')
  }
  for (const [code, path] of Object.entries(value || {})) {
    if (!/^[45]\d\d$/.test(code)) throw new StaticfileError(`status_codes: "${code}" is not the code of an error`)
    pages[code] = path
  }
  return pages
}

/** name → hash, or null for a site that anyone may read. */
function users(file) {
  if (!existsSync(file)) return null
  const result = {}
  for (const line of readFileSync(file, 'utf8').split(/\r?\n/)) {
    if (/^\s*(#.*)?$/.test(line)) continue
    const [name, hash = ''] = line.split(':')
    // To ignore the line would lock a user out; to take an unknown hash as a password would let others in.
    if (!name || !isSupportedHash(hash)) {
      throw new StaticfileError(
        `Staticfile.auth: the password of "${name}" must be hashed by \`htpasswd\` with -m (MD5) or -s (SHA)`,
      )
    }
    result[name] = hash
  }
  say('Staticfile.auth: visitors must log in')
  return result
}

function say(text) {
  process.stdout.write(`${text}\n`)
}
