import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestUaa, TestClock, type UaaUnderTest } from '../uaa-under-test.ts'

const locked = 'Your account has been locked because of too many failed attempts to login.'

async function failTimes(uaa: UaaUnderTest, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const { status, json } = await uaa.logIn('admin', `guess ${n}`)
    assert.deepEqual([status, json.error_description], [401, 'Bad credentials'])
  }
}

suite('failed logins', () => {
  test('lock the account for five minutes after five in twenty minutes, even for the right password', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    await failTimes(uaa, 5)
    for (const password of ['admin', 'wrong']) {
      const { status, json } = await uaa.logIn('admin', password)
      assert.equal(status, 401)
      assert.deepEqual(json, { error: 'unauthorized', error_description: locked })
    }
    clock.advanceSeconds(299)
    assert.equal((await uaa.logIn('admin', 'admin')).json.error_description, locked)
    clock.advanceSeconds(1)
    assert.equal((await uaa.logIn('admin', 'admin')).status, 200)
  })

  test('lock again at the next one after the lock ended', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    await failTimes(uaa, 5)
    clock.advanceSeconds(300)
    await failTimes(uaa, 1)
    assert.equal((await uaa.logIn('admin', 'admin')).json.error_description, locked)
  })

  test('are forgotten after a login, and after twenty minutes', async (t) => {
    const clock = new TestClock()
    const uaa = await startTestUaa(t, {}, { now: clock.now })
    await failTimes(uaa, 4)
    assert.equal((await uaa.logIn('admin', 'admin')).status, 200)
    await failTimes(uaa, 4)
    clock.advanceSeconds(1_200)
    await failTimes(uaa, 4)
    assert.equal((await uaa.logIn('admin', 'admin')).status, 200)
  })

  test('are counted over a restart', async (t) => {
    const uaa = await startTestUaa(t)
    await failTimes(uaa, 5)
    await uaa.stop()
    const again = await startTestUaa(t, { dataDirectory: uaa.dataDirectory })
    assert.equal((await again.logIn('admin', 'admin')).json.error_description, locked)
  })

  test('are counted when they come all at once', async (t) => {
    const uaa = await startTestUaa(t)
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => uaa.logIn('admin', `guess ${n}`)))
    const tried = answers.filter(({ json }) => json.error_description === 'Bad credentials')
    assert.equal(tried.length, 5)
  })

  test('lock one account, not the others', async (t) => {
    const uaa = await startTestUaa(t)
    await uaa.createUser('pia', 'pw', await uaa.userToken())
    await failTimes(uaa, 5)
    assert.equal((await uaa.logIn('pia', 'pw')).status, 200)
  })

  test('are answered late, those of unknown users and clients too', async (t) => {
    const uaa = await startTestUaa(t, { failedLoginDelayInMilliseconds: 150 })
    for (const attempt of [
      () => uaa.logIn('admin', 'wrong'),
      () => uaa.logIn('nobody', 'wrong'),
      () => uaa.tokenRequest({ grant_type: 'password' }, 'cf:wrong'),
    ]) {
      const start = performance.now()
      assert.equal((await attempt()).status, 401)
      assert.ok(performance.now() - start >= 149)
    }
  })

  test('do not stand in the way of many right logins at once', async (t) => {
    const uaa = await startTestUaa(t)
    const answers = await Promise.all(Array.from({ length: 30 }, () => uaa.logIn('admin', 'admin')))
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  })
})
