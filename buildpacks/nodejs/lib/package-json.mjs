import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The app's package.json. Ends the program with a message for the staging log when it can't be read. */
export function readPackageJson(app) {
  try {
    const content = JSON.parse(readFileSync(join(app, 'package.json'), 'utf8').replace(/^\uFEFF/, ''))
    if (content !== null && typeof content === 'object' && !Array.isArray(content)) return content
    throw new Error('it is not a JSON object')
  } catch (error) {
    process.stderr.write(`package.json can't be read: ${error.message}\n`)
    process.exit(1)
  }
}
