// start-command.mjs APP_DIR [--release]: how the app starts, as a shell command or as the YAML of bin/release.
import { realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readPackageJson } from './package-json.mjs'

/**
 * `npm start` when there is such a script, as on Cloud Foundry. Without one npm would run server.js, so node runs it
 * itself, which spares the memory of npm; after that what package.json calls its main file. Undefined: nothing says.
 */
export function startCommand(app, content) {
  if (typeof content.scripts?.start === 'string') return 'npm start'
  const main = typeof content.main === 'string' ? content.main : 'index.js'
  const candidates = ['server.js', main, `${main}.js`, join(main, 'index.js')]
  const file = candidates.find((candidate) => isFile(join(app, candidate)))
  return file === undefined ? undefined : `node ${asShellWord(file)}`
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function asShellWord(text) {
  return /^[\w./+@%-]+$/.test(text) && !text.startsWith('-') ? text : `'./${text.replaceAll("'", `'\\''`)}'`
}

if (process.argv[1] && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url))) {
  const [app, option] = process.argv.slice(2)
  const command = startCommand(app, readPackageJson(app))
  if (option !== '--release') process.stdout.write(command === undefined ? '' : `${command}\n`)
  // A JSON string is a YAML string.
  else if (command !== undefined) {
    process.stdout.write(`---\ndefault_process_types:\n  web: ${JSON.stringify(command)}\n`)
  } else process.stdout.write('---\ndefault_process_types: {}\n')
}
