import { execFile } from 'node:child_process'

/**
 * Bytes on disk of each folder, by the host's du: a walk in this process would keep it busy for seconds over a large
 * node_modules. Folders that vanish meanwhile are missing from the answer.
 */
export function diskUsage(directories: readonly string[]): Promise<Map<string, number>> {
  if (directories.length === 0) return Promise.resolve(new Map())
  return new Promise((resolve) => {
    // The exit status says only that something vanished while du looked; what it printed holds all the same.
    execFile(
      'du',
      ['-sk', ...directories],
      { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, maxBuffer: 1024 ** 2 },
      (_error, stdout) => {
        const usage = new Map<string, number>()
        for (const line of stdout.split('\n')) {
          const tab = line.indexOf('\t')
          if (tab > 0) usage.set(line.slice(tab + 1), Number(line.slice(0, tab)) * 1024)
        }
        resolve(usage)
      },
    )
  })
}
