// package-facts.mjs APP_DIR: what bin/supply must know of package.json, as lines of `name=value`.
import { readPackageJson } from './package-json.mjs'
import { startCommand } from './start-command.mjs'
import { satisfies } from './version-range.mjs'

const app = process.argv[2]
const content = readPackageJson(app)
const scripts = content.scripts ?? {}
const range = typeof content.engines?.node === 'string' ? content.engines.node.trim() : ''

const installed = ['dependencies', 'optionalDependencies', 'peerDependencies']
if (process.env.NODE_ENV !== 'production') installed.push('devDependencies')
const hasDependencies =
  content.workspaces !== undefined || installed.some((kind) => Object.keys(content[kind] ?? {}).length > 0)

const runsScripts = scripts['heroku-prebuild'] !== undefined || scripts['heroku-postbuild'] !== undefined
const fits = range === '' ? true : satisfies(process.versions.node, range)

const facts = {
  'engines.node': range.replace(/\s+/g, ' '),
  'engines.satisfied': fits === undefined ? 'unknown' : yes(fits),
  dependencies: yes(hasDependencies),
  'script.prebuild': yes(scripts['heroku-prebuild'] !== undefined),
  'script.postbuild': yes(scripts['heroku-postbuild'] !== undefined),
  'needs.npm': yes(runsScripts || startCommand(app, content) === 'npm start'),
}
for (const [name, value] of Object.entries(facts)) process.stdout.write(`${name}=${value}\n`)

function yes(fact) {
  return fact ? 'yes' : 'no'
}
