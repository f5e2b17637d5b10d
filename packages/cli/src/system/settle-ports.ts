import type { ComponentDefinition } from '../component-definition.ts'
import type { LoadedConfig } from '../config/load.ts'
import type { PortName } from '../config/schema.ts'
import { UserError, usageError } from '../user-error.ts'
import { describePortOwner } from './port-owner.ts'
import { freePort, whyNotBindable } from './ports.ts'

/** A port that the configuration asks for and can't have. */
export interface PortConflict {
  port: number
  message: string
}

/**
 * The configuration with a free port in place of every 0. Throws UserError that names each port that is in use, what wants it and who
 * has it; the components would find out too, but one after the other and only in their logs.
 */
export async function settlePorts(
  config: LoadedConfig,
  components: readonly ComponentDefinition[],
): Promise<LoadedConfig> {
  const conflicts = await portConflicts(config, components)
  if (conflicts.length > 0) throw new UserError(conflicts.map(({ message }) => message).join('\n'))
  const ports = { ...config.ports }
  for (const { name } of portsIn(config, components)) {
    if (ports[name] === 0) ports[name] = await freePort(config.host, new Set(Object.values(ports)))
  }
  return { ...config, ports }
}

/** Every port that something else listens on, and every one that two of our own want (a UserError of the configuration). */
export async function portConflicts(
  config: LoadedConfig,
  components: readonly ComponentDefinition[],
): Promise<PortConflict[]> {
  const wanted = portsIn(config, components).filter(({ name }) => config.ports[name] !== 0)
  const names = new Map<number, PortName>()
  for (const { name } of wanted) {
    const port = config.ports[name]
    const other = names.get(port)
    if (other) throw usageError(`ports.${other} and ports.${name} are both ${port}`)
    names.set(port, name)
  }
  const found = await Promise.all(
    wanted.map(async ({ name, purpose }) => {
      const port = config.ports[name]
      const fault = await whyNotBindable({ host: config.host, port })
      if (!fault) return []
      const message = `${await describeFault(fault, port, config.host)}, which ${purpose} wants.\n${portHint(name)}`
      return [{ port, message }]
    }),
  )
  return found.flat()
}

function portHint(name: PortName): string {
  const flag = name === 'logCache' ? 'log-cache' : name
  return `  Free it, or choose another: --port ${flag}=NUMBER, or ports.${name} in the configuration.`
}

function portsIn(config: LoadedConfig, components: readonly ComponentDefinition[]) {
  return components.flatMap((component) => {
    if (component.name === 'nats' && config.nats) return []
    if (component.name === 'uaa' && config.uaa) return []
    return component.ports
  })
}

async function describeFault(fault: NodeJS.ErrnoException, port: number, host: string): Promise<string> {
  switch (fault.code) {
    case 'EADDRINUSE': {
      const owner = await describePortOwner(port)
      return `Port ${port} is in use${owner ? ` by ${owner}` : ''}`
    }
    case 'EACCES':
      return `Port ${port} may not be used by this user`
    case 'EADDRNOTAVAIL':
      return `Host ${host} is no address of this machine, so nothing can listen on its port ${port}`
    default:
      return `Port ${port} of ${host} can't be listened on (${fault.message})`
  }
}
