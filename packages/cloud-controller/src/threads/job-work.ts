import { handleExit } from '../dea/instance-exits.ts'
import { reconcile } from '../dea/reconcile.ts'
import { handleStagingReply } from '../dea/staging-replies.ts'
import type { ThreadServices } from '../http/environment.ts'
import { cleanUp } from '../jobs/clean-up.ts'
import { runDueJobs } from '../jobs/run-jobs.ts'
import type { JobName } from './job-names.ts'

type Work = (services: ThreadServices, argument: unknown) => Promise<unknown>

const works: Readonly<Record<JobName, Work>> = {
  'run-due-jobs': (services) => runDueJobs(services),
  reconcile: (services) => reconcile(services),
  'clean-up': (services) => cleanUp(services),
  'staging-reply': (services, argument) => handleStagingReply(services, argument),
  'droplet-exited': (services, argument) => handleExit(services, argument),
}

/** Does what the reactor asked of a job thread. */
export function work(services: ThreadServices, name: string, argument: unknown): Promise<unknown> {
  const known: Work | undefined = works[name as JobName]
  if (!known) throw new Error(`no such work for a job thread: ${name}`)
  return known(services, argument)
}
