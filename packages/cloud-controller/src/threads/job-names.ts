/** What the reactor asks of a job thread. */
export type JobName = 'run-due-jobs' | 'reconcile' | 'staging-reply' | 'droplet-exited'
