import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appLogLines } from '../testing/app-log-lines.ts'
import { givenApp, givenReadyPackage, givenSpace, givenStartableApp } from '../testing/factories.ts'
import { testController } from '../testing/test-controller.ts'
import { upload, zipOf } from '../testing/uploads.ts'

test('the log of an app tells what was done with its packages, droplets and revisions', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const other = await givenApp(controller, spaceGuid, 'other')
  const relationships = { app: { data: { guid: appGuid } } }
  bus.calls.length = 0

  const { body: bits } = await admin.post('/v3/packages', { type: 'bits', relationships })
  const content = await zipOf({ 'a.txt': 'x' })
  await upload(t, admin, `/v3/packages/${bits.guid}/upload`, { bits: { filename: 'a.zip', content } })
  await admin.get(`/v3/packages/${bits.guid}/download`)
  await admin.delete(`/v3/packages/${bits.guid}`)
  const source = await givenReadyPackage(controller, other.guid)
  await admin.post(`/v3/packages?source_guid=${source}`, { relationships })
  const { body: droplet } = await admin.post('/v3/droplets', { relationships })
  await admin.delete(`/v3/droplets/${droplet.guid}`)
  await admin.post(`/v3/apps/${appGuid}/actions/start`)
  await admin.post('/v3/packages', { type: 'bits', relationships: { app: { data: { guid: 'nowhere' } } } })
  assert.deepEqual(appLogLines(controller), [
    `Adding app package for app with guid ${appGuid}`,
    `Uploading app package for app with guid ${appGuid}`,
    `Downloading app package for app with guid ${appGuid}`,
    `Deleting app package for app with guid ${appGuid}`,
    `Adding app package for app with guid ${appGuid} copied from package with guid ${source}`,
    `Creating droplet for app with guid ${appGuid}`,
    `Deleting droplet for app with guid ${appGuid}`,
    `Creating revision for app with guid ${appGuid}`,
    `Starting app with guid ${appGuid}`,
  ])
})
