import { loadConfig } from '../config/load.ts'
import { type CheckResult, checks } from '../doctor/checks.ts'
import type { Program } from '../main.ts'
import { Screen } from '../screen/screen.ts'
import { findRunningSystem } from '../system/running-system.ts'
import { exitCodes } from '../user-error.ts'
import { readOptions } from './options.ts'

const usage = `Usage: vcap doctor [OPTIONS]

Checks that this machine has what a Cloud Foundry on it needs, for the same configuration as vcap up. Changes nothing.
Ends with 1 if something that is required is missing.

  --config FILE        configuration, YAML (VCAP_CONFIG)
  --data-dir DIR       data directory (VCAP_DATA_DIR)
  --host ADDRESS       address to listen on (VCAP_HOST)
  --port NAME=NUMBER   port of api, router, uaa, log-cache or nats; may be given several times
  --help
`

/** `vcap doctor`. */
export async function doctor(commandLine: readonly string[], program: Program): Promise<number> {
  const options = readOptions(commandLine, usage, {
    config: { type: 'string' },
    'data-dir': { type: 'string' },
    host: { type: 'string' },
    port: { type: 'string', multiple: true },
  })
  if (!options) return exitCodes.ok
  const config = await loadConfig(
    { configFile: options.config, dataDirectory: options['data-dir'], host: options.host, ports: options.port },
    process.env,
  )
  const screen = new Screen(process.stdout)
  const symbols: Record<CheckResult['verdict'], string> = {
    good: screen.style('green', '✔'),
    note: screen.style('yellow', '!'),
    bad: screen.style('red', '✖'),
  }
  let bad = 0
  for (const { name, check } of checks) {
    for (const { verdict, text } of await check({ config, components: program.components })) {
      if (verdict === 'bad') bad++
      screen.line(`${symbols[verdict]} ${name.padEnd(17)} ${text.replaceAll('\n', `\n${' '.repeat(20)}`)}`)
    }
  }
  const running = findRunningSystem(config.dataDirectory)
  if (bad > 0) screen.line(`\n${bad} ${bad === 1 ? 'thing is' : 'things are'} missing for vcap up.`)
  else screen.line(running ? `\nIt runs already: ${running.apiUrl}` : '\nReady: npm start')
  return bad === 0 ? exitCodes.ok : exitCodes.failed
}
