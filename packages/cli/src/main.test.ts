import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realProgram, SpawnedVcap } from './fixture/spawned-vcap.ts'

const commandNames = ['up', 'demo', 'doctor', 'nats', 'uaa', 'log-cache', 'router', 'controller', 'cell']

test('vcap --help names every command and ends with 0', async (t) => {
  const vcap = new SpawnedVcap(t, ['--help'], { program: realProgram })
  assert.equal(await vcap.hasEnded(), 0)
  for (const name of commandNames) assert.match(vcap.output, new RegExp(`^  vcap ${name} `, 'm'))
})

test('vcap <command> --help shows the usage of that command and ends with 0', async (t) => {
  for (const name of commandNames) {
    const vcap = new SpawnedVcap(t, [name, '--help'], { program: realProgram })
    assert.equal(await vcap.hasEnded(), 0, name)
    assert.match(vcap.output, new RegExp(`^Usage: vcap ${name}`), name)
  }
})

test('vcap --version prints the version of the package', async (t) => {
  const vcap = new SpawnedVcap(t, ['--version'], { program: realProgram })
  assert.equal(await vcap.hasEnded(), 0)
  assert.match(vcap.output, /^\d+\.\d+\.\d+\n$/)
})

test('a command line that is not understood shows the usage and ends with 2', async (t) => {
  for (const [commandLine, message] of [
    [['upp'], /There is no command "upp"\.[\s\S]*Usage: vcap COMMAND/],
    [[], /Which command\?[\s\S]*Usage: vcap COMMAND/],
    [['up', '--prot', '1'], /Unknown option '--prot'[\s\S]*Usage: vcap up/],
    [['up', 'now'], /Unexpected argument 'now'[\s\S]*Usage: vcap up/],
    [['nats'], /vcap nats needs --config FILE[\s\S]*Usage: vcap nats/],
  ] as const) {
    const vcap = new SpawnedVcap(t, commandLine, { program: realProgram })
    assert.equal(await vcap.hasEnded(), 2, commandLine.join(' '))
    assert.match(vcap.output, message)
  }
})
