import { type RouterRegistration, routerSubjects } from '@vcap/protocol'
import type { Bus } from '../bus.ts'
import type { LastWill } from '../last-will.ts'
import type { Instance } from './instance.ts'

/**
 * Tells the routers where instances are: at once when one becomes routable, then again and again (routers forget who is
 * silent), and when a router has started. Source: dea_ng lib/dea/router_client.rb.
 */
export class RouteRegistrar {
  readonly #bus: Bus
  readonly #cellId: string
  readonly #host: string
  readonly #will: LastWill

  constructor(bus: Bus, cellId: string, host: string, will: LastWill) {
    this.#bus = bus
    this.#cellId = cellId
    this.#host = host
    this.#will = will
  }

  register(instance: Instance, uris: readonly string[] = instance.uris): void {
    this.#publish(routerSubjects.register, instance, uris)
  }

  unregister(instance: Instance, uris: readonly string[] = instance.uris): void {
    this.#publish(routerSubjects.unregister, instance, uris)
  }

  #publish(subject: string, instance: Instance, uris: readonly string[]): void {
    if (uris.length === 0) return
    const { message } = instance
    const registration: RouterRegistration = {
      host: this.#host,
      port: instance.port,
      uris: [...uris],
      app: message.app_guid ?? message.droplet,
      dea: this.#cellId,
      tags: {
        component: `dea-${this.#cellId}`,
        process_id: message.droplet,
        process_type: message.process_type,
        process_instance_id: instance.containerGuid,
      },
      private_instance_id: instance.containerGuid,
      private_instance_index: String(message.index),
    }
    this.#bus.publish(subject, registration)
    const isKnown = instance.isRoutable && instance.uris.length > 0
    this.#will.set(instance.containerGuid, isKnown ? { ...registration, uris: [...instance.uris] } : undefined)
  }
}
