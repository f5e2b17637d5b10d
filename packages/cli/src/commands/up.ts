import { loadConfig } from '../config/load.ts'
import { defaultAdminPassword } from '../config/schema.ts'
import type { Program } from '../main.ts'
import { ComponentRows } from '../screen/component-rows.ts'
import { Screen } from '../screen/screen.ts'
import { startFault } from '../system/start-fault.ts'
import { prepareSystem, type System } from '../system/start-system.ts'
import { appUrl, publicUrl } from '../system-addresses.ts'
import { exitCodes } from '../user-error.ts'
import { readOptions } from './options.ts'
import { StopSignals } from './stop-signals.ts'

const usage = `Usage: vcap up [OPTIONS]

Starts a whole Cloud Foundry on this machine and keeps it running until Ctrl-C.
A second Ctrl-C ends everything at once.

  --config FILE        configuration, YAML (VCAP_CONFIG); docs/guide/configuration.md explains every key
  --data-dir DIR       where everything is kept (VCAP_DATA_DIR; default: .vcap in the checkout)
  --host ADDRESS       address to listen on (VCAP_HOST; default: 127.0.0.1)
  --port NAME=NUMBER   port of api, router, uaa, log-cache or nats; 0 takes a free one; may be given several times
  --verbose            show every line of the components' logs, not only warnings and errors
  --help
`

/** `vcap up`. */
export async function up(commandLine: readonly string[], program: Program): Promise<number> {
  const options = readOptions(commandLine, usage, {
    config: { type: 'string' },
    'data-dir': { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string', multiple: true },
    verbose: { type: 'boolean', default: false },
  })
  if (!options) return exitCodes.ok
  const begun = performance.now()
  const config = await loadConfig(
    { configFile: options.config, dataDirectory: options['data-dir'], host: options.host, ports: options.port },
    process.env,
  )
  const screen = new Screen(process.stdout)
  const rows = new ComponentRows(screen, { verbose: options.verbose })
  const signals = new StopSignals()
  // A stop while we still wait for something needs nothing undone: nothing runs yet, and the lock ends with the process.
  const prepared = await Promise.race([
    prepareSystem({
      config,
      components: program.components,
      entryFile: program.entryFile,
      events: rows,
      say: (text) => screen.line(text),
    }),
    signals.first,
  ])
  if (prepared === 'stop') return exitCodes.ok
  const system = prepared
  signals.onSecond(() => {
    screen.line('Ending everything at once.')
    system.kill()
  })
  try {
    const outcome = await Promise.race([system.start().then(() => 'ready' as const), signals.first])
    if (outcome === 'ready') {
      rows.settled()
      screen.line(welcome(system, screen, performance.now() - begun))
      await signals.first
    }
    rows.stopping()
    screen.line('\nStopping; once more to end everything at once.')
    await system.stop()
    return exitCodes.ok
  } catch (error) {
    rows.stopping()
    await system.stop()
    throw await startFault(error, system, program.components)
  }
}

function welcome({ plan }: System, screen: Screen, tookInMs: number): string {
  const { config } = plan
  const api = publicUrl(config, 'api')
  const { username, password } = config.admin
  const login = `cf login -a ${api} -u ${username}${password === defaultAdminPassword ? ` -p ${password}` : ''}`
  const bold = (text: string) => screen.style('bold', text)
  return `
Cloud Foundry is up, in ${(tookInMs / 1000).toFixed(1)} s.

  API       ${bold(api)}
  Log in    ${bold(config.uaa ? `cf login -a ${api}` : login)}
  Apps      ${appUrl(config, '<app>')}
  Data      ${plan.directory.root} (logs in ${plan.directory.logs})
  Stop      Ctrl-C
`
}
