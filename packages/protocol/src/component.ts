/** A component that has started. `stop` finishes what is in flight, releases every port and file, and may be called twice. */
export interface RunningComponent {
  /** Addresses it listens on, by purpose, as URLs: `{ http: 'http://127.0.0.1:8181' }`. Empty for a component that listens nowhere. */
  readonly addresses: Readonly<Record<string, string>>
  stop(): Promise<void>
}
