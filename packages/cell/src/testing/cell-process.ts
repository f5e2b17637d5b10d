import { startCell } from '../cell.ts'

/** A cell in a process of its own, for tests that kill it. Its configuration is the only argument, as JSON. */
const cell = await startCell(JSON.parse(process.argv[2] ?? ''))
process.on('SIGTERM', () => {
  cell.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  )
})
process.stdout.write('started\n')
