import type { TestController } from './test-controller.ts'

/** The lines that the controller has put into the logs of apps. */
export function appLogLines({ bus }: Pick<TestController, 'bus'>): string[] {
  return bus.calls
    .filter(({ name }) => name === 'logs.emit')
    .map(({ values }) => Buffer.from((values[0] as [{ log: { payload: string } }])[0].log.payload, 'base64').toString())
}
