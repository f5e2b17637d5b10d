import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

/** `node (process 4711: node server.js)` for whoever listens on a port, or undefined where that can't be found out. */
export async function describePortOwner(port: number): Promise<string | undefined> {
  try {
    return process.platform === 'linux' ? await ownerOnLinux(port) : await ownerByLsof(port)
  } catch {
    // Only a kindness in a message about another fault: other users' processes can't be read, and lsof may be missing.
    return undefined
  }
}

/** Field 4 of /proc/net/tcp is the state (0A: listening), field 10 the socket's inode, which the owner's /proc/<pid>/fd links to. */
async function ownerOnLinux(port: number): Promise<string | undefined> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')),
  )
  const sockets = new Set<string>()
  for (const line of tables.join('\n').split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[1]?.endsWith(suffix) && fields[3] === '0A') sockets.add(`socket:[${fields[9]}]`)
  }
  if (sockets.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (!sockets.has(target)) continue
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
      // Not /proc/<pid>/comm: that is the name of a thread, and `MainThread` for every Node.js.
      return `${basename(words[0] ?? '')} (process ${pid}: ${words.join(' ').trim().slice(0, 160)})`
    }
  }
  return undefined
}

async function ownerByLsof(port: number): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'])
  const pid = /^p(\d+)$/m.exec(stdout)?.[1]
  const name = /^c(.+)$/m.exec(stdout)?.[1]
  return pid === undefined ? undefined : `${name ?? 'a program'} (process ${pid})`
}
