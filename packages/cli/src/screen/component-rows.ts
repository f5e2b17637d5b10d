import type { ComponentDefinition } from '../component-definition.ts'
import { levels } from '../supervisor/log-line.ts'
import type { ComponentState } from '../supervisor/supervised-component.ts'
import type { SupervisorEvents } from '../supervisor/supervisor.ts'
import type { Screen } from './screen.ts'

/** Shows what a supervisor tells: a row for each component while the system starts and stops, lines in between. */
export class ComponentRows implements SupervisorEvents {
  readonly #screen: Screen
  readonly #verbose: boolean
  /** Between start and stop the rows are left alone, and what happens is told in lines. */
  #inLines = false

  constructor(screen: Screen, options: { verbose: boolean }) {
    this.#screen = screen
    this.#verbose = options.verbose
  }

  settled(): void {
    this.#screen.endRows()
    this.#inLines = true
  }

  stopping(): void {
    this.#screen.endRows()
    this.#inLines = false
  }

  componentChanged(component: ComponentDefinition, state: ComponentState): void {
    const text = `${this.#symbol(state)} ${component.name.padEnd(10)} ${this.#describe(component, state)}`
    if (this.#inLines) this.#screen.line(`${time()} ${text}`)
    else this.#screen.row(component.name, text)
  }

  logged(component: ComponentDefinition, level: number, text: string): void {
    if (!this.#verbose && level < levels.warn) return
    const name = this.#screen.style('cyan', component.name.padEnd(10))
    this.#screen.line(`${time()} ${name} ${this.#level(level)} ${text}`)
  }

  #level(level: number): string {
    if (level >= levels.error) return this.#screen.style('red', 'error')
    if (level >= levels.warn) return this.#screen.style('yellow', 'warn ')
    return this.#screen.style('dim', level >= levels.info ? 'info ' : 'debug')
  }

  #symbol({ phase }: ComponentState): string {
    switch (phase) {
      case 'ready':
        return this.#screen.style('green', '✔')
      case 'died':
        return this.#screen.style('yellow', '↻')
      case 'failed':
        return this.#screen.style('red', '✖')
      case 'starting':
      case 'stopping':
        return this.#screen.style('dim', '…')
      case 'stopped':
        return this.#screen.style('dim', '■')
    }
  }

  #describe(component: ComponentDefinition, state: ComponentState): string {
    const dim = (text: string) => this.#screen.style('dim', text)
    switch (state.phase) {
      case 'starting':
        return `starting  ${dim(component.title)}`
      case 'ready': {
        const addresses = Object.values(state.addresses).join(' ')
        return `ready     ${addresses || dim(component.title)} ${dim(`${Math.round(state.tookInMs)} ms`)}`
      }
      case 'died':
        return `${state.why}; starting again in ${state.restartInMs / 1000} s`
      case 'failed':
        return `failed: ${state.why}`
      case 'stopping':
        return 'stopping'
      case 'stopped':
        return state.killed ? 'did not stop in time and was killed' : 'stopped'
    }
  }
}

function time(): string {
  return new Date().toTimeString().slice(0, 8)
}
