import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { TestCloud } from '../testing/test-cloud.ts'

describe('staging', () => {
  let cloud: TestCloud
  let cell: string

  before(async () => {
    cloud = await TestCloud.open(startNatsBroker)
    cell = (await cloud.cell()).id
  })
  after(() => cloud.close())

  it('stages an app with the buildpack that detects it, and says so in the words of Cloud Foundry', async () => {
    const { completion, log } = await cloud.stage(cell, { start: 'bash serve.sh' })
    assert.equal(completion.error, undefined)
    assert.equal(completion.detected_start_command, 'bash serve.sh')
    assert.ok(log().includes('Exit status 0'))
  })
})
