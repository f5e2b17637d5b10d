import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { RouterRegistration } from '@vcap/protocol'
import { eventually } from '../testing/eventually.ts'
import { TestCloud } from '../testing/test-cloud.ts'

/** An HTTP server for bash-started apps, on the PORT it is given. Answers its environment at /env. */
const server = `
const { createServer } = require('node:http')
createServer((request, response) => {
  if (request.url === '/env') return response.end(JSON.stringify(process.env))
  if (request.url === '/die') process.exit(7)
  response.end('hello')
}).listen(process.env.PORT, () => console.log('listening'))
`

describe('an instance', () => {
  let cloud: TestCloud
  let cell: string

  before(async () => {
    cloud = await TestCloud.open(startNatsBroker)
    cell = (await cloud.cell()).id
  })
  after(() => cloud.close())

  it('is started, healthy by its port, routed, logged and stopped', async () => {
    const message = await cloud.startMessage(
      { 'server.js': server },
      { start_command: 'node server.js', health_check: { type: 'port' } },
    )
    const instance = await cloud.run(cell, message)
    const registration = await cloud.bus.message(
      'router.register',
      RouterRegistration.parse,
      ({ app }) => app === message.droplet,
    )
    const { port, host } = registration
    assert.deepEqual(registration, {
      host: '127.0.0.1',
      port,
      uris: ['shop.apps.test'],
      app: message.droplet,
      dea: cell,
      tags: {
        component: `dea-${cell}`,
        process_id: message.droplet,
        process_type: 'web',
        process_instance_id: instance.instance,
      },
      private_instance_id: instance.instance,
      private_instance_index: '0',
    })
    assert.equal(await (await fetch(`http://${host}:${port}/`)).text(), 'hello')
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'listening')

    cloud.bus.publish('dea.stop', { droplet: message.droplet })
    await cloud.bus.message('router.unregister', RouterRegistration.parse, ({ app }) => app === message.droplet)
    await cloud.bus.line(message.droplet, 'CELL', /^Cell .* successfully destroyed container for instance/)
    await cloud.bus.states(message.droplet)
    await assert.rejects(fetch(`http://${host}:${port}/`))
    assert.deepEqual(
      cloud.bus
        .log(message.droplet)
        .filter(({ source }) => source === 'CELL')
        .map(({ line }) => line.replaceAll(cell, '<cell>').replaceAll(instance.instance, '<instance>')),
      [
        'Cell <cell> creating container for instance <instance>',
        'Cell <cell> successfully created container for instance <instance>',
        'Downloading droplet...',
        `Downloaded droplet (${cloud.bus
          .log(message.droplet)
          .find(({ line }) => line.startsWith('Downloaded'))
          ?.line.slice(20, -1)})`,
        'Starting health monitoring of container',
        'Container became healthy',
        'Cell <cell> stopping instance <instance>',
        'Cell <cell> destroying container for instance <instance>',
        'Cell <cell> successfully destroyed container for instance <instance>',
      ],
    )
    assert.deepEqual(cloud.bus.on('droplet.exited'), [])
    await eventually('the memory back', () => cloud.advertisement(cell)?.available_memory === 4096 || undefined)
  })
})
