import type { FileTree } from '@vcap/cli'

/** Apps of a few lines, for what the examples don't do. */

/** Node.js without the detection: a build of half a second. */
export const quickly = { buildpacks: ['binary_buildpack'], command: 'exec node app.js', memory: '128M' }

/** Answers every request with what it got: headers, and who and where the instance is. */
export const mirror: FileTree = {
  'app.js': `
const { createServer } = require('node:http')
createServer((request, response) => {
  const { CF_INSTANCE_INDEX, CF_INSTANCE_GUID, GREETING } = process.env
  response.end(JSON.stringify({
    app: JSON.parse(process.env.VCAP_APPLICATION).application_name,
    path: request.url, headers: request.headers, pid: process.pid,
    index: Number(CF_INSTANCE_INDEX), instance: CF_INSTANCE_GUID, greeting: GREETING ?? null,
  }))
  console.log('asked for ' + request.url)
}).listen(process.env.PORT)
process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(0) })
`,
}

/** Takes bites of 16 MB, once it is asked for /eat, until it has 640 MB: far beyond its limit, and no danger to the machine. */
export const glutton: FileTree = {
  'app.js': `
const { createServer } = require('node:http')
const eaten = []
createServer((request, response) => {
  if (request.url === '/eat') setInterval(() => eaten.length < 40 && eaten.push(Buffer.alloc(16 * 1024 * 1024, 1)), 20)
  response.end('delicious')
}).listen(process.env.PORT)
`,
}
